"""Asking Graph for a range: synchronously, or as a report run that is submitted, recorded, polled and read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.extract.entities import of_level
from meta_pipeline.extract.insights import (
    FIRST_POLL_S,
    LONGEST_POLL_S,
    PAGE_LIMIT,
    Abandoned,
    Done,
    Range,
    ReportRunError,
    digest,
    insights_request,
    next_poll,
    ranges,
)
from meta_pipeline.extract.parts import ADDITIVE, Part, Reading, Rows, kept_of, read_in_parts
from meta_pipeline.extract.reports import Report
from meta_pipeline.extract.sizes import SYNCHRONOUS_DAYS, Sizes
from meta_pipeline.extract.sorting import Sorter, key_of, row_of
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import CursorError, GraphError, TooMuchDataError, TransientError
from meta_pipeline.graph.request import Operation
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch, LandingError, MetaPipelineError
from meta_pipeline.store import learned, report_runs

# A read right after the POST may answer 100/33, not replicated yet (graph-api.md §2.9, P-TAP).
NOT_THERE_YET, LOOKS_WHEN_NEW = (100, 33), 3
# Looks that are so near to each other are one batch.
TOGETHER_S = 0.05
# -3/1504045 in a run's own error fields: too large (graph-api.md §2.10).
TOO_LARGE = 1504045
_STATUS_FIELDS = "async_status,async_percent_completion,error_code,error_message,error_subcode,error_user_msg"


@dataclass(slots=True)
class Pull:
    """One report of one node over one range, on its way. `is_done`: its report run is known to be complete;
    `is_picked_up`: an earlier process asked for it."""

    report: Report
    node_id: str
    asked: Range
    request: dict[str, Any]
    report_run_id: str | None = None
    submitted_at: dt.datetime | None = None
    is_done: bool = False
    is_picked_up: bool = False

    @property
    def digest(self) -> str:
        """The name of exactly this request."""
        return digest(self.node_id, self.request)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What a fetch needs of the world. `sizes`: what is known of the reports that it has asked for; read once, so that
    what another process learns of the same account meanwhile is learned again."""

    graph: GraphClient
    token: AccessToken
    engine: sa.Engine
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]
    largest_page: int
    sizes: dict[tuple[str, str], Sizes] = field(default_factory=dict)

    def ranges(self, report: Report, node_id: str, days: Iterable[dt.date]) -> list[Range]:
        """What to ask for: as few ranges as the days allow and as long as is known to come back."""
        return planned(self._sizes(report, node_id), days, most=report.most_days)

    def start(self, report: Report, node_id: str, asked: Range) -> Pull:
        """Submit the range as a report run; a small range needs none."""
        pull = Pull(report, node_id, asked, insights_request(report, asked))
        if self.needs_a_report_run(report, node_id, asked):
            self._submit(pull)
        return pull

    def needs_a_report_run(self, report: Report, node_id: str, asked: Range) -> bool:
        """Whether the range is more than is read at once."""
        sizes = self._sizes(report, node_id)
        return report.gate is not None or not sizes.is_synchronous(len(asked.days), rows_a_day=report.rows_a_day)

    def may_come_as_a_report_run(self, pull: Pull) -> bool:
        """Whether a range that was too much to be read at once is worth a report run; then it is not read at once
        again."""
        if pull.report_run_id is not None or len(pull.asked.days) <= SYNCHRONOUS_DAYS:
            return False
        sizes = self._sizes(pull.report, pull.node_id)
        sizes.sync_was_refused(len(pull.asked.days), self.now())
        self._keep(pull.report, pull.node_id, sizes)
        return True

    def is_forgotten(self, pull: Pull, error: MetaPipelineError) -> bool:
        """Whether Meta knows a finished report run no more, so that it has to be asked for anew: results are kept for
        30 days (graph-api.md §2.9)."""
        if not pull.is_picked_up or not isinstance(error, GraphError) or (error.code, error.subcode) != NOT_THERE_YET:
            return False
        report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status="abandoned")
        return True

    def picked_up(self, report: Report, node_id: str) -> list[Pull]:
        """The report runs that this backfill submitted before it was killed: paid for once, read again."""
        pulls = []
        for run in report_runs.recorded(
            self.engine, backfill_id=self.backfill_id, node_id=node_id, report=report.name
        ):
            asked = Range(run.since, run.until)
            request = insights_request(report, asked)
            pull = Pull(report, node_id, asked, request, run.report_run_id, run.submitted_at, run.is_done)
            pulls.append(dataclasses.replace(pull, is_picked_up=True))
        return pulls

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
        took = self._sizes(pull.report, pull.node_id).seconds
        if took is None:
            return _Watch(pull)
        return _Watch(pull, due=max(0.0, 0.9 * took - self._age_s(pull)), pause=max(FIRST_POLL_S, 0.1 * took))

    def _age_s(self, pull: Pull) -> float:
        return (self.now() - pull.submitted_at).total_seconds() if pull.submitted_at else 0.0

    def _was_done(self, pull: Pull) -> None:
        """How long Meta took is known now."""
        if pull.is_picked_up:
            return
        sizes = self._sizes(pull.report, pull.node_id)
        before = sizes.seconds
        sizes.run_took(self._age_s(pull))
        if sizes.seconds != before:
            self._keep(pull.report, pull.node_id, sizes)

    def read(
        self,
        pull: Pull,
        *,
        add: Callable[[dt.date, pa.BinaryArray, Batch], None],
        restart: Callable[[], None],
        turn: AbstractContextManager[Any],
    ) -> dict[dt.date, LandingError]:
        """Hand on the rows of a pull that is finished, day by day as they come, a page at its `turn`; the days that
        can't be trusted, and why. A range without any row is believed when it was seen twice: Meta answers 200 with
        nothing at moments of trouble too (graph-api.md §14, `empty_200`). One whose cursor Meta forgot is read once
        more, and `restart` says so before; one that had rows and then has none is no range without delivery."""
        sizes = self._sizes(pull.report, pull.node_id)
        seen, empty, forgotten = 0, 0, 0
        try:
            while True:
                restart()
                sorter = Sorter(pull.report, pull.node_id, pull.asked)
                try:
                    for batch in self._read(pull, sizes, row_of(pull.report.key)):
                        with turn:
                            for day, records in sorter.parts(batch):
                                add(day, records, batch)
                except CursorError:
                    seen, forgotten = max(seen, sorter.rows), forgotten + 1
                    if forgotten > 1:
                        raise
                    continue
                empty += not sorter.rows
                if sorter.rows or (empty > 1 and not seen):
                    break
                if empty > 1:
                    raise TransientError(f"{pull.report.name} had {seen} rows, and none when it was read again")
            sizes.range_worked(len(pull.asked.days), sorter.rows)
            return sorter.untrustworthy()
        finally:
            self._keep(pull.report, pull.node_id, sizes)

    def was_too_much(self, report: Report, node_id: str, asked: Range) -> None:
        """The next plan does not ask for so much at once."""
        sizes = self._sizes(report, node_id)
        sizes.range_was_refused(len(asked.days), self.now())
        self._keep(report, node_id, sizes)

    def in_parts(self, report: Report, node_id: str, day: dt.date, ids: Iterable[str]) -> Rows:
        """One day that is too much at once, read by ids. Every part is a synchronous read: a day is small."""
        whole, sizes = Range(day, day), self._sizes(report, node_id)

        def read(part: Part, fields: Sequence[str]) -> Rows:
            asked = dataclasses.replace(report, fields=tuple(fields))
            pull = Pull(report, node_id, whole, insights_request(asked, whole, part))
            sorter, rows = Sorter(report, node_id, whole), Rows()
            for batch in self._read(pull, sizes, row_of(pull.report.key)):
                # Not the page: its records are copies beside it.
                told = dataclasses.replace(batch, body=None, rows=())
                rows.extend((record, told) for _, found in sorter.parts(batch) for record in found.to_pylist())
            for error in sorter.untrustworthy().values():
                raise error
            return rows

        def ids_in(part: Part) -> list[str]:
            """The ids of the things that have rows: as little as can be asked for."""
            name = f"{report.level}_id"
            bare = dataclasses.replace(
                report, fields=(name,), key=(name,), breakdowns=(), action_breakdowns=(), windows=()
            )
            pull = Pull(bare, node_id, whole, insights_request(bare, whole, part))
            batches = self._read(pull, Sizes(self.largest_page))
            return [str(msgspec.json.decode(record)[name]) for batch in batches for record in batch.records]

        def control() -> Mapping[str, Any]:
            """Meta's own total of the account, asked for in this moment."""
            since, until = map(str, report.span(day))
            asked = {"level": "account", "fields": list(ADDITIVE), "time_range": {"since": since, "until": until}}
            answer = self._for(report.name).get(f"{node_id}/insights", asked, token=self.token, surface="marketing")
            total: Mapping[str, Any] = next(iter(answer.data.get("data", ())), {})
            return total

        reading = Reading(read, ids_in, key_of(report), report.fields, kept_of(report.fields, report.key))
        return read_in_parts(ids, reading=reading, control=control)

    def listed_ids(self, report: Report, node_id: str) -> list[str]:
        """The ids of a level's things, as its listing has them now."""
        entity = of_level(report.level)
        asked = {"fields": "id", "effective_status": list(entity.statuses), "limit": PAGE_LIMIT}
        path = f"{node_id}/{entity.edge}"
        batches = self._for("entities").batches(path, asked, token=self.token, surface="marketing")
        return [msgspec.json.decode(record)["id"] for batch in batches for record in batch.records]

    def _sizes(self, report: Report, node_id: str) -> Sizes:
        if (known := self.sizes.get((report.name, node_id))) is None:
            known = sizes_of(self.engine, report, node_id, largest_page=self.largest_page, now=self.now())
            self.sizes[report.name, node_id] = known
        return known

    def _keep(self, report: Report, node_id: str, sizes: Sizes) -> None:
        learned.put(self.engine, node_id=node_id, report=report.name, known=dataclasses.asdict(sizes))

    def _read(self, pull: Pull, sizes: Sizes, row: type = msgspec.Raw) -> Iterator[Batch]:
        path, request = (
            (f"{pull.node_id}/insights", pull.request)
            if pull.report_run_id is None
            else (f"{pull.report_run_id}/insights", {})
        )
        yield from self._for(pull.report.name).reading(row).batches(
            path, request, token=self.token, surface="marketing", size=sizes
        )

    def _for(self, report: str) -> GraphClient:
        return self.graph.on(dataclasses.replace(self.graph.errand, report=report))

    def _submit(self, pull: Pull) -> None:
        answer = self._for(pull.report.name).post(
            f"{pull.node_id}/insights", pull.request, token=self.token, surface="marketing", is_repeatable=True
        ).data
        if not isinstance(answer, dict) or not answer.get("report_run_id"):
            raise ReportRunError(f"Meta answered {pull.report.name} of {pull.node_id} without a report run: try again")
        pull.report_run_id, pull.submitted_at = str(answer["report_run_id"]), self.now()
        report_runs.record(
            self.engine, request_digest=pull.digest, backfill_id=self.backfill_id, report_run_id=pull.report_run_id,
            node_id=pull.node_id, report=pull.report.name, since=pull.asked.since, until=pull.asked.until,
            now=pull.submitted_at,
        )

    def _statuses(self, watches: Sequence[_Watch]) -> list[Mapping[str, Any] | MetaPipelineError]:
        operations = [
            Operation(str(watch.pull.report_run_id), {"fields": _STATUS_FIELDS}, "marketing") for watch in watches
        ]
        graph = self._for("report_runs")
        try:
            answers: list[GraphResponse | GraphError] = (
                [graph.get(operations[0].path, operations[0].params, token=self.token, surface="marketing")]
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
            is_new = isinstance(status, GraphError) and (status.code, status.subcode) == NOT_THERE_YET
            if is_new and watch.looks <= LOOKS_WHEN_NEW:
                return None
            if is_new and not watch.is_resubmitted:
                return self._again(watch, "Meta knows it no more")
            return status
        if status.get("async_status") == "Job Failed" and status.get("error_subcode") == TOO_LARGE:
            report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status="abandoned")
            return TooMuchDataError("the report run is too large", code=-3, subcode=TOO_LARGE)
        match next_poll(status, pause=pause, waited=waited, age_s=self._age_s(pull)):
            case Done() as done:
                self._was_done(pull)
                report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status="completed")
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
        report_runs.mark(self.engine, report_run_id=str(abandoned), status="abandoned")
        if watch.is_resubmitted:
            return ReportRunError(f"report run {abandoned} gave no result, twice: {reason}")
        watch.is_resubmitted, watch.looks, watch.pause = True, 0, FIRST_POLL_S
        try:
            self._submit(watch.pull)
        except MetaPipelineError as error:
            return error
        return None


def sizes_of(
    engine: sa.Engine, report: Report, node_id: str, *, largest_page: int, now: dt.datetime
) -> Sizes:
    """What was learned of a report of an account."""
    return Sizes(largest_page, **learned.get(engine, node_id=node_id, report=report.name)).believed(now)


def planned(sizes: Sizes, days: Iterable[dt.date], *, most: int | None = None) -> list[Range]:
    """What to ask for: as few ranges as the days and the request allow, and as long as is known to come back."""
    return [
        cut for asked in ranges(days)
        for cut in asked.cut(min(sizes.longest_range(len(asked.days)), most or len(asked.days)))
    ]


@dataclass(slots=True)
class _Watch:
    """A report run that is looked at: when next, in seconds since the watch began, and how long after that again."""

    pull: Pull
    due: float = 0.0
    pause: float = FIRST_POLL_S
    looks: int = 0
    is_resubmitted: bool = False
