"""Submit and record report runs, and poll them together until each has a result or is known to have none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import sqlalchemy as sa

from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights import durations
from meta_pipeline.extract.ads.insights.durations import FIRST_POLL_S, UNKNOWN_FIRST_POLL_S, EndedRun
from meta_pipeline.extract.ads.insights.planner import Planner
from meta_pipeline.extract.ads.insights.requests import Pull, insights_request
from meta_pipeline.extract.ads.insights.run_status import Abandoned, Done, ReportRunError, is_completed, outcome_of
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TooMuchDataError, TransientError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken, MetaPipelineError
from meta_pipeline.store.pulls import report_runs

# A read right after the POST may answer 100/33, not replicated yet (docs/graph-api.md §2.9, P-TAP).
NOT_FOUND, POLLS_WHEN_NEW = (100, 33), 3
# Polls that are due within this many seconds of each other are one batch.
TOGETHER_S = 0.05
# How often a wait checks whether another account's run has shown how long runs take, and how old that run may be.
CHECK_S, SCOUT_FOR = 1.0, dt.timedelta(minutes=10)
# -3/1504045 in a run's own error fields: too large (docs/graph-api.md §2.10).
TOO_LARGE = 1504045
_STATUS_FIELDS = (
    "async_status,async_percent_completion,time_ref,time_completed,error_code,error_message,error_subcode,"
    "error_user_msg"
)


@dataclass(slots=True)
class _Watch:
    """A report run that is polled. `due_s`: the time of the next poll, and `since_s`: the time from which it is polled,
    both on the clock of its ReportRuns; `expected_s`: its expected duration; `running_at_s`: its age at the last poll
    that saw it running; `is_previous_polled`: the run that it replaced was polled once more."""

    pull: Pull
    _: KW_ONLY
    since_s: float
    due_s: float = 0.0
    expected_s: float | None = None
    polls: int = 0
    running_at_s: float | None = None
    is_resubmitted: bool = False
    is_previous_polled: bool = False


@dataclass(slots=True, kw_only=True)
class ReportRuns:
    """The report runs of one node for one backfill. `gateway` returns the client for a report's calls; `planner` learns
    how long runs take."""

    gateway: Callable[[str], GraphClient]
    token: AccessToken
    planner: Planner
    engine: sa.Engine
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]
    _watches: list[_Watch] = field(default_factory=list)
    _began_at: dt.datetime | None = None
    _slept_s: float = 0.0

    def submit(self, pull: Pull, *, previous_run_id: str | None = None) -> None:
        """Submit a report run for the pull and record it. `previous_run_id`: the run that it replaces, where that one
        may still complete."""
        answer = self.gateway(pull.report.name).submit(
            f"{pull.node_id}/insights", pull.request, token=self.token, kind=CallKind.INSIGHTS, is_repeatable=True
        ).data
        if not isinstance(answer, dict) or not answer.get("report_run_id"):
            raise ReportRunError(f"Meta answered {pull.report.name} of {pull.node_id} without a report run: try again")
        pull.report_run_id, pull.submitted_at = str(answer["report_run_id"]), self.now()
        pull.previous_run_id, pull.percent, pull.changed_at = previous_run_id, None, None
        pull.is_resumed = False
        report_runs.record(
            self.engine, request_digest=pull.digest, backfill_id=self.backfill_id, report_run_id=pull.report_run_id,
            node_id=pull.node_id, report=pull.report.name, since=pull.requested.since, until=pull.requested.until,
            now=pull.submitted_at, previous_run_id=previous_run_id,
        )

    def resume(self, report: Report) -> list[Pull]:
        """Return the pulls whose report runs this backfill submitted before it was interrupted: they are paid for, so
        they are polled and read instead of being submitted again."""
        node_id, pulls = self.planner.node_id, []
        for run in report_runs.recorded(
            self.engine, backfill_id=self.backfill_id, node_id=node_id, report=report.name
        ):
            requested = Range(run.since, run.until)
            pulls.append(Pull(
                report=report, node_id=node_id, requested=requested, request=insights_request(report, requested),
                report_run_id=run.report_run_id, submitted_at=run.submitted_at, is_done=run.is_done, is_resumed=True,
                previous_run_id=run.previous_run_id, percent=run.percent, changed_at=run.changed_at,
            ))
        return pulls

    def expire(self, pull: Pull, error: MetaPipelineError) -> bool:
        """Abandon a resumed run whose result Meta no longer has, so that it is requested again: results are kept for
        30 days (docs/graph-api.md §2.9). Return False when the error means something else."""
        if not pull.is_resumed or not _is_not_found(error):
            return False
        self._mark(pull, "abandoned")
        return True

    @property
    def is_polling(self) -> bool:
        """Check that a report run is still to be polled."""
        return bool(self._watches)

    def watch(self, pull: Pull) -> None:
        """Poll the report run of a pull from now on."""
        watch = _Watch(pull, since_s=self._elapsed_s())
        self._watches.append(watch)
        self._schedule([watch])

    def unwatch(self) -> list[Pull]:
        """Stop polling, and return the pulls that were still waiting."""
        pulls = [watch.pull for watch in self._watches]
        self._watches.clear()
        return pulls

    def wait(self, *, longest_s: float) -> None:
        """Sleep until a poll is due, or as long as `longest_s`."""
        self._schedule([watch for watch in self._watches if self._is_unknown(watch)])
        pause = min((watch.due_s for watch in self._watches), default=0.0) - self._elapsed_s()
        if any(self._is_unknown(watch) for watch in self._watches):
            pause = min(pause, CHECK_S)
        pause = min(pause, longest_s)
        if pause > 0:
            self.sleep(pause)
            self._slept_s += pause

    def poll(self) -> list[tuple[Pull, MetaPipelineError | None]]:
        """Poll every report run that is due, in one batch. Return the pulls whose result can be read, and those that
        have none, with the reason."""
        elapsed, ended = self._elapsed_s(), []
        due = [watch for watch in self._watches if watch.due_s <= elapsed + TOGETHER_S]
        for watch, status in zip(due, self._statuses([str(watch.pull.report_run_id) for watch in due]), strict=True):
            result = self._judge(watch, status)
            if result is None:
                age = self._age_s(watch.pull)
                watch.due_s = self._elapsed_s() + durations.pause_s(watch.expected_s, age_s=age, polls=watch.polls)
            else:
                self._watches.remove(watch)
                ended.append((watch.pull, result if isinstance(result, MetaPipelineError) else None))
        return ended

    def _elapsed_s(self) -> float:
        """Return the seconds since the first use: by the clock, but at least the time slept, in case the clock is set
        back."""
        self._began_at = self._began_at or self.now()
        return max((self.now() - self._began_at).total_seconds(), self._slept_s)

    def _is_unknown(self, watch: _Watch) -> bool:
        return watch.expected_s is None and not watch.polls

    def _schedule(self, watches: Sequence[_Watch]) -> None:
        """Plan the first poll of runs: when they are expected to be done. As long as no run of the app has ended, only
        the oldest one is polled early, to learn how long runs take; the others wait for that."""
        if not watches:
            return
        oldest = report_runs.oldest_running(self.engine, since=self.now() - SCOUT_FOR)
        for watch in watches:
            pull = watch.pull
            watch.expected_s = self.planner.expected_run_s(pull.report, pull.requested)
            if watch.expected_s is not None:
                age = durations.first_poll_s(watch.expected_s)
            else:
                age = FIRST_POLL_S if oldest in (None, pull.report_run_id) else UNKNOWN_FIRST_POLL_S
            watch.due_s = self._elapsed_s() + max(0.0, age - self._age_s(pull))

    def _age_s(self, pull: Pull) -> float:
        return (self.now() - pull.submitted_at).total_seconds() if pull.submitted_at else 0.0

    def _statuses(self, run_ids: Sequence[str]) -> list[Mapping[str, Any] | MetaPipelineError]:
        if not run_ids:
            return []
        operations = [Operation(run_id, {"fields": _STATUS_FIELDS}, CallKind.REPORT_RUN) for run_id in run_ids]
        graph = self.gateway("report_runs")
        try:
            answers: list[GraphResponse | GraphError] = (
                [graph.get(operations[0].path, operations[0].params, token=self.token, kind=CallKind.REPORT_RUN)]
                if len(operations) == 1
                else graph.batch(operations, token=self.token)
            )
        except MetaPipelineError as error:
            return [error] * len(run_ids)
        return [
            answer if isinstance(answer, GraphError)
            else answer.data if isinstance(answer.data, dict)
            else TransientError("Graph did not return the status of a report run as a JSON object")
            for answer in answers
        ]

    def _judge(
        self, watch: _Watch, status: Mapping[str, Any] | MetaPipelineError
    ) -> MetaPipelineError | Done | None:
        """Return what a poll of a report run means: its end, an error, or None to poll again."""
        pull = watch.pull
        watch.polls += 1
        if isinstance(status, MetaPipelineError):
            is_missing = _is_not_found(status)
            if is_missing and watch.polls <= POLLS_WHEN_NEW:
                return None
            if is_missing and not watch.is_resubmitted:
                return self._replace(watch, Abandoned(reason="Meta no longer has it", resubmit=True))
            return status
        if status.get("async_status") == "Job Failed" and status.get("error_subcode") == TOO_LARGE:
            self._mark(pull, "abandoned")
            return TooMuchDataError("the report run is too large", code=-3, subcode=TOO_LARGE)
        match outcome_of(
            status, unchanged_s=self._unchanged_s(pull, status), watched_s=self._elapsed_s() - watch.since_s,
            stuck_after_s=durations.stuck_after_s(watch.expected_s),
        ):
            case Done() as done:
                if not pull.is_resumed:  # a resumed run may have been done long before it was polled
                    run = EndedRun(
                        age_s=self._age_s(pull), running_at_s=watch.running_at_s, expected_s=watch.expected_s,
                        status=status,
                    )
                    self.planner.learn_duration(pull.report, pull.requested, run)
                self._mark(pull, "completed")
                pull.is_done = True
                return done
            case Abandoned() as abandoned:
                return self._replace(watch, abandoned)
        watch.running_at_s = self._age_s(pull)
        return None

    def _unchanged_s(self, pull: Pull, status: Mapping[str, Any]) -> float:
        """Store a change of the run's progress; return for how many seconds it has been the same."""
        percent = status.get("async_percent_completion")
        percent = percent if isinstance(percent, int) else None
        if percent != pull.percent or pull.changed_at is None:
            pull.percent, pull.changed_at = percent, self.now()
            report_runs.note_progress(
                self.engine, report_run_id=str(pull.report_run_id), percent=percent, now=pull.changed_at
            )
        return (self.now() - pull.changed_at).total_seconds()

    def _replace(self, watch: _Watch, abandoned: Abandoned) -> MetaPipelineError | Done | None:
        """Submit the same request once more, instead of a run that failed or makes no progress. A run that was replaced
        for making no progress is polled once more first: its result is already paid for."""
        pull = watch.pull
        run_id, previous = str(pull.report_run_id), pull.previous_run_id
        if previous is not None and not watch.is_previous_polled:
            watch.is_previous_polled = True
            (status,) = self._statuses([previous])
            if not isinstance(status, MetaPipelineError) and is_completed(status):
                report_runs.restore(
                    self.engine, report_run_id=run_id, previous_run_id=previous, status="completed"
                )
                pull.report_run_id, pull.previous_run_id, pull.is_done = previous, None, True
                return Done()
        if abandoned.resubmit and not watch.is_resubmitted:
            if not abandoned.is_stuck:
                self._mark(pull, "abandoned")
            try:
                self.submit(pull, previous_run_id=run_id if abandoned.is_stuck else previous)
            except MetaPipelineError as error:
                return error
        elif not abandoned.is_stuck and previous is not None:  # Meta has not ended the previous one
            report_runs.restore(self.engine, report_run_id=run_id, previous_run_id=previous, status="submitted")
        elif not abandoned.is_stuck:
            self._mark(pull, "abandoned")
        if watch.is_resubmitted or not abandoned.resubmit:
            twice = ", twice" if watch.is_resubmitted else ""
            return ReportRunError(f"report run {run_id} had no result{twice}: {abandoned.reason}")
        watch.is_resubmitted, watch.is_previous_polled, watch.polls, watch.running_at_s = True, False, 0, None
        watch.since_s = self._elapsed_s()
        self._schedule([watch])
        return None

    def _mark(self, pull: Pull, status: str) -> None:
        report_runs.set_status(self.engine, report_run_id=str(pull.report_run_id), status=status)


def _is_not_found(error: MetaPipelineError) -> bool:
    return isinstance(error, GraphError) and (error.code, error.subcode) == NOT_FOUND
