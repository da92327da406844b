"""All report runs of the server: how they are submitted and found, and which limits apply (docs/graph-api.md §2.7,
§2.9)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

from meta_pipeline.sandbox.ads.insights.query import Query
from meta_pipeline.sandbox.ads.insights.report_run import ReportRun
from meta_pipeline.sandbox.ads.insights.rows import Insights
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.limit_settings import LimitSettings
from meta_pipeline.sandbox.protocol.limits import Limits
from meta_pipeline.sandbox.world.entities import Account

READABLE_FOR = dt.timedelta(days=30)
REACH_RUNS_PER_DAY, GATED_RUNS_PER_DAY = 10, 10
_FIRST_ID = 6023920149000001
_DAY = dt.timedelta(days=1)
# An hour after submission a run no longer counts as running.
_RUNNING_FOR = dt.timedelta(hours=1)


class ReportRuns:
    """Every report run by id; `clock` measures durations, also while the sandbox shows a fixed time."""

    def __init__(self, insights: Insights, limits: Limits, *, clock: Callable[[], dt.datetime]) -> None:
        self.insights, self.limits, self.clock = insights, limits, clock
        self.by_id: dict[str, ReportRun] = {}

    def submit(self, query: Query, now: dt.datetime, outcome: str | None) -> dict[str, str]:
        """Create a run and return its id; `33_race` as outcome makes the first two reads miss it."""
        account = query.account
        self._check_limits(account, query, now)
        run_id = str(_FIRST_ID + len(self.by_id))
        is_race = outcome == "33_race"
        is_gate_closed = query.is_gated and not self._opens_gate(account, now)
        if outcome is None and not is_gate_closed and self._has_data_limits() and self.is_too_much(query, now):
            outcome = "job_too_large"
        average_s = self.limits.settings.report_run_seconds
        self.by_id[run_id] = ReportRun(
            id=run_id, account=account, query=query, submitted_at=now, clock=self.clock,
            outcome=None if is_race else outcome,
            duration_s=average_s * random.Random(run_id).uniform(0.5, 1.5) if average_s else None,
            missed_reads=2 if is_race else 0,
            rows=[] if is_gate_closed else None, is_gate_open=query.is_gated and not is_gate_closed,
        )
        return {"report_run_id": run_id}

    def find(self, run_id: str, now: dt.datetime) -> ReportRun:
        """Return the run; raise error 100/33 while it is unknown, expired or not replicated yet."""
        run = self.by_id.get(run_id)
        if run is None or now - run.submitted_at > READABLE_FOR:
            raise unknown_object(run_id)
        if run.missed_reads:
            run.missed_reads -= 1
            raise unknown_object(run_id)
        return run

    def is_too_much(self, query: Query, now: dt.datetime) -> bool:
        """Check whether the whole result has more rows or data points than one call may request."""
        settings = self.limits.settings
        rows = len(self.insights.rows(query, now))
        max_points = settings.data_points_a_request
        return rows > settings.rows_a_request or (bool(max_points) and rows * len(query.fields) > max_points)

    def _has_data_limits(self) -> bool:
        settings = self.limits.settings
        return settings.rows_a_request < LimitSettings.rows_a_request or bool(settings.data_points_a_request)

    def _opens_gate(self, account: Account, now: dt.datetime) -> bool:
        """Check whether the account gets a gated breakdown now: it opted in, and has had fewer such runs today than it
        has ads, at most ten; otherwise the result is empty (docs/graph-api.md §2.7)."""
        world = self.insights.world
        runs_today = sum(
            run.is_gate_open and run.account.id == account.id and now - run.submitted_at < _DAY
            for run in self.by_id.values()
        )
        max_runs = min(GATED_RUNS_PER_DAY, len(world.ads_of(account.id)))
        return account.id in world.options.opted_in and runs_today < max_runs

    def _check_limits(self, account: Account, query: Query, now: dt.datetime) -> None:
        """Raise when too many runs of the account are running (Meta does not publish how many: it is a setting), or
        when it has had ten runs today for reach beyond 13 months (docs/graph-api.md §2.7)."""
        runs = [run for run in self.by_id.values() if run.account == account]
        running = sum(
            not run.is_completed and run.outcome is None and now - run.submitted_at < _RUNNING_FOR for run in runs
        )
        if running >= self.limits.settings.running_report_runs:
            raise GraphApiError("(#4) Application request limit reached", 4, subcode=1504022, is_transient=True)
        if not query.has_historical_reach(now):
            return
        reach_runs_today = sum(
            now - run.submitted_at < _DAY and run.query.has_historical_reach(run.submitted_at) for run in runs
        )
        if reach_runs_today >= REACH_RUNS_PER_DAY:
            raise GraphApiError(
                "Reach-related metric breakdowns are unavailable due to rate limit threshold.", 100, status=400,
                headers={"x-Fb-Ads-Insights-Reach-Throttle": '{"acc_id_util_pct":100.0}'},
            )
