"""Asking Graph for a range: synchronously, or as a report run that is submitted, recorded, polled and read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from meta_pipeline.extract.insights import (
    FIRST_POLL_S,
    PAGE_LIMIT,
    SYNCHRONOUS_DAYS,
    Abandoned,
    Done,
    Poll,
    Range,
    ReportRunError,
    digest,
    insights_request,
    next_poll,
)
from meta_pipeline.extract.reports import Report
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TooMuchDataError
from meta_pipeline.records import AccessToken, Batch, LandingError
from meta_pipeline.store import report_runs

# A read right after the POST may answer 100/33, not replicated yet (graph-api.md §2.9, P-TAP).
NOT_THERE_YET, LOOKS_WHEN_NEW = (100, 33), 3
# -3/1504045 in a run's own error fields: too large (graph-api.md §2.10).
TOO_LARGE = 1504045
_STATUS_FIELDS = "async_status,async_percent_completion,error_code,error_message,error_subcode,error_user_msg"


@dataclass(slots=True)
class Pull:
    """One report of one node over one range, on its way."""

    report: Report
    node_id: str
    asked: Range
    request: dict[str, Any]
    report_run_id: str | None = None
    tries: int = 1

    @property
    def digest(self) -> str:
        """The name of exactly this request."""
        return digest(self.node_id, self.request)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What a fetch needs of the world."""

    graph: GraphClient
    token: AccessToken
    engine: sa.Engine
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]

    def start(self, report: Report, node_id: str, asked: Range) -> Pull:
        """Submit the range as a report run; a small range needs none."""
        pull = Pull(report, node_id, asked, insights_request(report, asked))
        if len(asked.days) > SYNCHRONOUS_DAYS:
            pull.report_run_id = self._submit(pull)
        return pull

    def picked_up(self, report: Report, node_id: str) -> list[Pull]:
        """The report runs that this backfill submitted before it was killed: paid for once, read again."""
        pulls = []
        for run in report_runs.recorded(
            self.engine, backfill_id=self.backfill_id, node_id=node_id, report=report.name
        ):
            asked = Range(run.since, run.until)
            pulls.append(Pull(report, node_id, asked, insights_request(report, asked), run.report_run_id))
        return pulls

    def read(self, pull: Pull) -> Iterator[Batch]:
        """The batches of a pull, once its report run is done."""
        if pull.report_run_id is None:
            yield from self._pages(f"{pull.node_id}/insights", pull.request)
            return
        self._wait(pull)
        yield from self._pages(f"{pull.report_run_id}/insights", {})

    def _submit(self, pull: Pull) -> str:
        answer = self.graph.post(
            f"{pull.node_id}/insights", pull.request, token=self.token, surface="marketing"
        ).data
        run_id = str(answer["report_run_id"])
        report_runs.record(
            self.engine, request_digest=pull.digest, backfill_id=self.backfill_id, report_run_id=run_id,
            node_id=pull.node_id, report=pull.report.name, since=pull.asked.since, until=pull.asked.until,
            now=self.now(),
        )
        return run_id

    def _wait(self, pull: Pull) -> None:
        pause, waited, looks = FIRST_POLL_S, 0.0, 0
        while True:
            looks += 1
            match next_poll(self._status(pull, looks), pause=pause, waited=waited):
                case Poll(after=seconds):
                    self.sleep(seconds)
                    waited, pause = waited + seconds, pause * 2
                case Done():
                    report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status="completed")
                    return
                case Abandoned(reason=reason, resubmit=resubmit):
                    abandoned = pull.report_run_id
                    if not resubmit:
                        raise ReportRunError(f"report run {abandoned} gave no result: {reason}")
                    report_runs.mark(self.engine, report_run_id=str(abandoned), status="abandoned")
                    if pull.tries > 1:
                        raise ReportRunError(f"report run {abandoned} gave no result, twice: {reason}")
                    pull.tries, pull.report_run_id = pull.tries + 1, self._submit(pull)
                    pause, looks = FIRST_POLL_S, 0

    def _status(self, pull: Pull, looks: int) -> Mapping[str, Any]:
        try:
            status: Mapping[str, Any] = self.graph.get(
                str(pull.report_run_id), {"fields": _STATUS_FIELDS}, token=self.token, surface="marketing"
            ).data
        except GraphError as error:
            if (error.code, error.subcode) == NOT_THERE_YET and looks <= LOOKS_WHEN_NEW:
                return {"async_status": "Job Not Started"}
            raise
        if status.get("async_status") == "Job Failed" and status.get("error_subcode") == TOO_LARGE:
            report_runs.mark(self.engine, report_run_id=str(pull.report_run_id), status="abandoned")
            raise TooMuchDataError("the report run is too large", code=-3, subcode=TOO_LARGE)
        return status

    def _pages(self, path: str, request: Mapping[str, Any]) -> Iterator[Batch]:
        yield from self.graph.batches(path, {**request, "limit": PAGE_LIMIT}, token=self.token, surface="marketing")


class _Row(msgspec.Struct):
    date_start: str
    date_stop: str
    account_id: str = ""
    ad_id: str = ""


_read_row = msgspec.json.Decoder(_Row).decode


def by_day(pull: Pull, batches: Iterable[Batch]) -> dict[dt.date, list[tuple[bytes, Batch]] | LandingError]:
    """The rows of every day of the range, or why a day can't be trusted. A day nobody mentions is empty."""
    days: dict[dt.date, list[tuple[bytes, Batch]] | LandingError] = {day: [] for day in pull.asked.days}
    seen: set[tuple[str, ...]] = set()
    for batch in batches:
        for record in batch.records:
            try:
                row = _read_row(record)
                day = dt.date.fromisoformat(row.date_start)
            except (msgspec.MsgspecError, ValueError) as error:
                raise LandingError(f"a row of {pull.report.name} of {pull.node_id} has no day: {error}") from error
            if row.date_start != row.date_stop or day not in days:
                raise LandingError(
                    f"{pull.report.name} of {pull.node_id} answered with a row for {row.date_start}–{row.date_stop} "
                    f"though only days {pull.asked.since}–{pull.asked.until} were asked"
                )
            key = (row.date_start, *(getattr(row, name) for name in pull.report.key))
            rows = days[day]
            if key in seen:
                days[day] = LandingError(f"{pull.report.name} of {pull.node_id} has two rows for {' '.join(key)}")
            elif isinstance(rows, list):
                rows.append((record, batch))
            seen.add(key)
    return days
