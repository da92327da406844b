"""Report runs on their way: asked for, recorded, and looked at together until their results can be read or never will
be."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.extract.insights import (
    FIRST_POLL_S,
    LONGEST_POLL_S,
    Abandoned,
    Done,
    Pull,
    Range,
    ReportRunError,
    insights_request,
    next_poll,
)
from meta_pipeline.extract.plan import Planner
from meta_pipeline.extract.reports import Report
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TooMuchDataError, TransientError
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import AccessToken, MetaPipelineError
from meta_pipeline.store import report_runs

# A read right after the POST may answer 100/33, not replicated yet (graph-api.md §2.9, P-TAP).
NOT_THERE_YET, LOOKS_WHEN_NEW = (100, 33), 3
# Looks that are so near to each other are one batch.
TOGETHER_S = 0.05
# -3/1504045 in a run's own error fields: too large (graph-api.md §2.10).
TOO_LARGE = 1504045
_STATUS_FIELDS = "async_status,async_percent_completion,error_code,error_message,error_subcode,error_user_msg"


@dataclass(slots=True)
class _Watch:
    """A report run that is looked at: when next, in seconds since the watch began, and how long after that again."""

    pull: Pull
    due: float = 0.0
    pause: float = FIRST_POLL_S
    looks: int = 0
    is_resubmitted: bool = False


@dataclass(frozen=True, slots=True)
class ReportRuns:
    """The report runs of one node for one backfill. `gateway`: the client for what is asked of a report; `planner`
    learns how long they take."""

    gateway: Callable[[str], GraphClient]
    token: AccessToken
    planner: Planner
    engine: sa.Engine
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]

    def submit(self, pull: Pull) -> None:
        """Meta works on the pull, and its report run is recorded."""
        answer = self.gateway(pull.report.name).post(
            f"{pull.node_id}/insights", pull.request, token=self.token, kind=CallKind.INSIGHTS, is_repeatable=True
        ).data
        if not isinstance(answer, dict) or not answer.get("report_run_id"):
            raise ReportRunError(f"Meta answered {pull.report.name} of {pull.node_id} without a report run: try again")
        pull.report_run_id, pull.submitted_at = str(answer["report_run_id"]), self.now()
        report_runs.record(
            self.engine, request_digest=pull.digest, backfill_id=self.backfill_id, report_run_id=pull.report_run_id,
            node_id=pull.node_id, report=pull.report.name, since=pull.asked.since, until=pull.asked.until,
            now=pull.submitted_at,
        )

    def picked_up(self, report: Report) -> list[Pull]:
        """The report runs that this backfill submitted before it was killed: paid for once, read again."""
        node_id, pulls = self.planner.node_id, []
        for run in report_runs.recorded(
            self.engine, backfill_id=self.backfill_id, node_id=node_id, report=report.name
        ):
            asked = Range(run.since, run.until)
            request = insights_request(report, asked)
            pull = Pull(report, node_id, asked, request, run.report_run_id, run.submitted_at, run.is_done)
            pulls.append(dataclasses.replace(pull, is_picked_up=True))
        return pulls

    def is_forgotten(self, pull: Pull, error: MetaPipelineError) -> bool:
        """Whether Meta knows a finished report run no more, so that it has to be asked for anew: results are kept for
        30 days (graph-api.md §2.9)."""
        if not pull.is_picked_up or not _is_not_there(error):
            return False
        self._mark(pull, "abandoned")
        return True

    def finished(self, pulls: Sequence[Pull]) -> Iterator[tuple[Pull, MetaPipelineError | None]]:
        """Every pull once its result can be read, in the order in which they are done, or why it never will be. All
        report runs that are due for a look are looked at together, in one batch, with growing pauses; the first look
        comes when the last run of the kind was done, if that took long enough to count."""
        waiting = [self._watch(pull) for pull in pulls if pull.report_run_id is not None and not pull.is_done]
        yield from ((pull, None) for pull in pulls if pull.report_run_id is None or pull.is_done)
        waited = 0.0
        while waiting:
            if (pause := min(watch.due for watch in waiting) - waited) > 0:
                self.sleep(pause)
                waited += pause
            due = [watch for watch in waiting if watch.due <= waited + TOGETHER_S]
            for watch, status in zip(due, self._statuses(due), strict=True):
                ended = self._judge(watch, status, pause=watch.pause, waited=waited)
                if ended is None:
                    watch.due, watch.pause = waited + watch.pause, min(watch.pause * 2, LONGEST_POLL_S)
                else:
                    waiting.remove(watch)
                    yield watch.pull, ended if isinstance(ended, MetaPipelineError) else None

    def _watch(self, pull: Pull) -> _Watch:
        took = self.planner.of(pull.report).seconds
        if took is None:
            return _Watch(pull)
        return _Watch(pull, due=max(0.0, 0.9 * took - self._age_s(pull)), pause=max(FIRST_POLL_S, 0.1 * took))

    def _age_s(self, pull: Pull) -> float:
        return (self.now() - pull.submitted_at).total_seconds() if pull.submitted_at else 0.0

    def _statuses(self, watches: Sequence[_Watch]) -> list[Mapping[str, Any] | MetaPipelineError]:
        operations = [
            Operation(str(watch.pull.report_run_id), {"fields": _STATUS_FIELDS}, CallKind.REPORT_RUN)
            for watch in watches
        ]
        graph = self.gateway("report_runs")
        try:
            answers: list[GraphResponse | GraphError] = (
                [graph.get(operations[0].path, operations[0].params, token=self.token, kind=CallKind.REPORT_RUN)]
                if len(operations) == 1
                else graph.batch(operations, token=self.token)
            )
        except MetaPipelineError as error:
            return [error] * len(watches)
        return [
            answer if isinstance(answer, GraphError)
            else answer.data if isinstance(answer.data, dict)
            else TransientError("Graph answered a report run's status with no object")
            for answer in answers
        ]

    def _judge(
        self, watch: _Watch, status: Mapping[str, Any] | MetaPipelineError, *, pause: float, waited: float
    ) -> MetaPipelineError | Done | None:
        """What a look at a report run means: its end, an error, or None for looking again."""
        pull = watch.pull
        watch.looks += 1
        if isinstance(status, MetaPipelineError):
            is_new = _is_not_there(status)
            if is_new and watch.looks <= LOOKS_WHEN_NEW:
                return None
            if is_new and not watch.is_resubmitted:
                return self._again(watch, "Meta knows it no more")
            return status
        if status.get("async_status") == "Job Failed" and status.get("error_subcode") == TOO_LARGE:
            self._mark(pull, "abandoned")
            return TooMuchDataError("the report run is too large", code=-3, subcode=TOO_LARGE)
        match next_poll(status, pause=pause, waited=waited, age_s=self._age_s(pull)):
            case Done() as done:
                if not pull.is_picked_up:  # one that was may have been done long before anybody looked
                    self.planner.run_took(pull.report, self._age_s(pull))
                self._mark(pull, "completed")
                pull.is_done = True
                return done
            case Abandoned(reason=reason, resubmit=resubmit):
                if not resubmit:
                    return ReportRunError(f"report run {pull.report_run_id} gave no result: {reason}")
                return self._again(watch, reason)
        return None

    def _again(self, watch: _Watch, reason: str) -> MetaPipelineError | None:
        """The same request once more; twice without a result is an end."""
        abandoned = watch.pull.report_run_id
        self._mark(watch.pull, "abandoned")
        if watch.is_resubmitted:
            return ReportRunError(f"report run {abandoned} gave no result, twice: {reason}")
        watch.is_resubmitted, watch.looks, watch.pause = True, 0, FIRST_POLL_S
        try:
            self.submit(watch.pull)
        except MetaPipelineError as error:
            return error
        return None

    def _mark(self, pull: Pull, status: str) -> None:
        report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status=status)


def _is_not_there(error: MetaPipelineError) -> bool:
    return isinstance(error, GraphError) and (error.code, error.subcode) == NOT_THERE_YET
