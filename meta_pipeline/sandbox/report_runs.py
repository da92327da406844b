"""Report runs: submitted, growing, done, readable for 30 days (graph-api.md §2.9)."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from meta_pipeline.sandbox.answers import REDUCE, Ask, Refused, encoded, paged, too_much, unknown_object
from meta_pipeline.sandbox.fields import Writer, summary
from meta_pipeline.sandbox.insights import Insights, Row
from meta_pipeline.sandbox.nouns import Account
from meta_pipeline.sandbox.query import Query

READABLE_FOR = dt.timedelta(days=30)
LATE_AFTER_S = 1200.0
REACH_RUNS_A_DAY, GATED_RUNS_A_DAY = 10, 10
# What a run shows, poll by poll; one stage shows 100 % while it is still running, as Meta's do.
STAGES = (("Job Not Started", 0), ("Job Running", 60), ("Job Running", 100), ("Job Completed", 100))
# Without a duration of its own, a run is completed after four polls or after this time, whichever comes first.
DEFAULT_SECONDS = 1.0


@dataclass
class ReportRun:
    """One asynchronous report. `fate` overrides how it ends: job_failed, job_skipped, job_stuck, job_late (it makes no
    progress for twenty minutes, then it is completed). `seconds`: how long it takes on `clock`; None leaves it to the
    number of polls as well."""

    id: str
    account: Account
    query: Query
    params: dict[str, str]
    submitted_at: dt.datetime
    clock: Callable[[], dt.datetime]
    fate: str | None = None
    seconds: float | None = None
    looks: int = 0
    misses: int = 0
    result: list[Row] | None = field(default=None, repr=False)
    is_open: bool = False  # of a gated breakdown, and given

    def __post_init__(self) -> None:
        self._started_at = self.clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was submitted, also where the date that the sandbox shows is fixed."""
        return (self.clock() - self._started_at).total_seconds()

    @property
    def stage(self) -> int:
        """How far it is: an index of STAGES."""
        if self.fate == "job_stuck":
            return 1
        if self.fate == "job_late":
            return 3 if self.elapsed_s >= LATE_AFTER_S else 1
        seconds = DEFAULT_SECONDS if self.seconds is None else self.seconds
        share = self.elapsed_s / seconds
        by_time = 3 if share >= 1 else 2 if share >= 0.9 else 1 if share >= 0.1 else 0
        return by_time if self.seconds is not None else max(by_time, min(self.looks, len(STAGES) - 1))

    @property
    def is_completed(self) -> bool:
        """Whether its result can be read."""
        return self.stage == len(STAGES) - 1 and self.fate in (None, "job_late")

    def status(self, version: str) -> dict[str, Any]:
        """The run's fields at the next poll."""
        at = self.stage
        stage, percent = STAGES[at]
        if at == 1 and self.seconds is not None and self.fate is None:
            percent = int(100 * self.elapsed_s / self.seconds)
        error: dict[str, Any] = {}
        if self.fate not in (None, "job_stuck", "job_late") and at >= 2:
            stage, percent = ("Job Skipped", 0) if self.fate == "job_skipped" else ("Job Failed", 100)
            if self.fate == "job_too_large":
                error = {"error_code": -3, "error_subcode": 1504045, "error_message": "The report is too large"}
            if self.fate == "job_failed":
                error = {"error_code": -2}
                if int(version[1:].split(".")[0]) >= 25:
                    error |= {
                        "error_subcode": 2490547, "error_message": "The report run failed",
                        "error_user_title": "Report failed", "error_user_msg": "Please try again",
                    }
        self.looks += 1
        started = int(self.submitted_at.timestamp())
        took = self.elapsed_s if self.seconds is None else self.seconds
        return {
            "id": self.id, "account_id": self.account.id, "time_ref": started,
            "time_completed": started + math.ceil(took) if stage == "Job Completed" else 0, "async_status": stage,
            "async_percent_completion": percent, "is_running": stage == "Job Running",
            "date_start": self.query.periods[0][0].isoformat(), "date_stop": self.query.periods[-1][1].isoformat(),
            "error_code": None, "error_message": None, "error_subcode": None, "error_user_title": None,
            "error_user_msg": None, "level": self.query.level, **error,
        }


class ReportRuns:
    """All runs of the server."""

    def __init__(self, insights: Insights, *, clock: Callable[[], dt.datetime]) -> None:
        self.insights = insights
        self.clock = clock
        self.seconds = 0.0  # about how long a run takes, half of it to half as much again; 0: see DEFAULT_SECONDS
        self.runs: dict[str, ReportRun] = {}
        self.most_running = 100
        self.most_rows = 1_000_000
        self.most_points = 0  # rows × fields; 0: as many as there are
        self.page_bytes = 4_000_000
        self.page_rows = 0  # 0: as many as are asked for

    def submit(
        self, account: Account, query: Query, params: dict[str, str], now: dt.datetime, fate: str | None
    ) -> dict[str, str]:
        """A new run; `33_race` makes the first look miss it."""
        self._check_limits(account, query, now)
        run_id = str(6023920149000000 + len(self.runs) + 1)
        race = fate == "33_race"
        is_closed = query.is_gated and not self._opens(account, now)
        if fate is None and not is_closed and self._is_bounded() and self.is_too_much(query, now):
            fate = "job_too_large"
        self.runs[run_id] = ReportRun(
            run_id, account, query, params, now, self.clock, None if race else fate,
            seconds=self.seconds * random.Random(run_id).uniform(0.5, 1.5) if self.seconds else None,
            misses=2 if race else 0,
            result=[] if is_closed else None, is_open=query.is_gated and not is_closed,
        )
        return {"report_run_id": run_id}

    def _is_bounded(self) -> bool:
        return self.most_rows < 1_000_000 or bool(self.most_points)

    def is_too_much(self, query: Query, now: dt.datetime) -> bool:
        """Whether the whole result is more than a call may ask for: too many rows, or too many data points."""
        found = len(self.insights.rows(query, now))
        return found > self.most_rows or (bool(self.most_points) and found * len(query.fields) > self.most_points)

    def _opens(self, account: Account, now: dt.datetime) -> bool:
        """Whether the account gets a gated breakdown now: when it opted in, and then as many runs a day as it has ad
        groups, ten at most; what it does not get is empty (graph-api.md §2.7)."""
        world = self.insights.world
        today = [
            run for run in self.runs.values()
            if run.is_open and run.account.id == account.id and now - run.submitted_at < dt.timedelta(days=1)
        ]
        most = min(GATED_RUNS_A_DAY, len(world.ads_of(account.id)))
        return account.id in world.options.opted_in and len(today) < most

    def _check_limits(self, account: Account, query: Query, now: dt.datetime) -> None:
        """Runs in flight (how many Meta lets run is not published: a setting), and reach beyond 13 months: ten a day
        and account (graph-api.md §2.7)."""
        mine = [run for run in self.runs.values() if run.account == account]
        running = [
            run for run in mine
            if not run.is_completed and run.fate is None and now - run.submitted_at < dt.timedelta(hours=1)
        ]
        if len(running) >= self.most_running:
            raise Refused("(#4) Application request limit reached", 4, subcode=1504022, is_transient=True)
        if not query.is_reach_of_long_ago(now):
            return
        today = [
            run for run in mine
            if now - run.submitted_at < dt.timedelta(days=1) and run.query.is_reach_of_long_ago(run.submitted_at)
        ]
        if len(today) >= REACH_RUNS_A_DAY:
            raise Refused(
                "Reach-related metric breakdowns are unavailable due to rate limit threshold.", 100, status=400,
                headers={"x-Fb-Ads-Insights-Reach-Throttle": '{"acc_id_util_pct":100.0}'},
            )

    def find(self, run_id: str, now: dt.datetime) -> ReportRun:
        """The run, unless it is unknown, expired or not replicated yet."""
        run = self.runs.get(run_id)
        if run is None or now - run.submitted_at > READABLE_FOR:
            raise unknown_object(run_id)
        if run.misses:
            run.misses -= 1
            raise unknown_object(run_id)
        return run

    def page(self, ask: Ask, found: list[Row], query: Query) -> dict[str, Any]:
        """A page, unless it would be too much data for a call."""
        page = paged(ask, found, Writer(query, self.insights.world.options.drift_of(ask.version)))
        if self.page_rows and len(page["data"]) > self.page_rows:
            raise Refused(REDUCE, 1, status=500)
        data = encoded(page["data"])
        if len(page["data"]) > 500 and len(data) > self.page_bytes:
            raise too_much()
        return {**page, "data": orjson.Fragment(data)}

    def read(self, run: ReportRun, ask: Ask, now: dt.datetime) -> dict[str, Any]:
        """A page of a finished run; read too early, it is empty."""
        if not run.is_completed:
            return {"data": []}
        if run.result is None:
            run.result = self.insights.rows(run.query, now)
        page = self.page(ask, run.result, run.query)
        if ask.params.get("summary") or ask.params.get("default_summary"):
            asked = ask.params.get("summary", "")
            if asked not in ("true", "1", ""):
                unknown = [name for name in asked.split(",") if name not in run.query.fields]
                if unknown:
                    raise Refused(
                        f"(#100) Cannot include {', '.join(unknown)} in summary param because they weren't there "
                        "while creating the report run", 100,
                    )
            page["summary"] = summary(run.result, run.query)
        return page
