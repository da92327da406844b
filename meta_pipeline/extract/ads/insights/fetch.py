"""Read insights: a range page by page, and a day that is too much for one request by ids."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from meta_pipeline.entity_kinds import kind_of_level
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights.day_partitioner import DayPartitioner, key_reader, key_row_type
from meta_pipeline.extract.ads.insights.planner import Planner
from meta_pipeline.extract.ads.insights.requests import Pull, insights_request
from meta_pipeline.extract.ads.insights.split_by_id import (
    ADDITIVE,
    DayReader,
    Part,
    Rows,
    identifying_fields,
    read_in_parts,
)
from meta_pipeline.extract.ads.listings.entities import LISTING_PAGE, list_ids
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.sizes import FixedSizes, Sizes
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import CursorError, TransientError
from meta_pipeline.graph.request import PageSize
from meta_pipeline.records import AccessToken, Batch, LandingError


@dataclass(frozen=True, slots=True)
class Restart:
    """The read starts again: the caller must discard every row that was yielded before."""


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of one page. `days` partitions them while it is iterated, so that the caller decides when this is
    computed; it must be exhausted before the next page is requested."""

    batch: Batch
    days: Iterator[tuple[dt.date, pa.BinaryArray]]


@dataclass(frozen=True, slots=True)
class UntrustedDay:
    """A day whose rows the caller must discard, and why."""

    day: dt.date
    error: LandingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Reads the insights of one node. `gateway` returns the client for a report's calls; `planner` learns how much one
    request returns."""

    gateway: Callable[[str], GraphClient]
    token: AccessToken
    planner: Planner

    def read_pull(self, pull: Pull) -> Generator[PageRows | Restart | UntrustedDay]:
        """Yield the rows of a pull whose result is ready, page by page, then the days that can't be trusted.

        A page that is too much is requested again from the same cursor with fewer rows. A read whose cursor Meta forgot
        starts again, and its pages don't grow from then on. A range without any row is read twice before it is
        accepted: Meta also returns 200 without rows during faults (docs/graph-api.md §14, `empty_200`). Raise
        TransientError for a range that had rows and then has none."""
        sizes = self.planner.sizes(pull.report)
        size: PageSize = sizes
        most_rows, empty_reads, forgotten = 0, 0, 0
        try:
            while True:
                first_page = size.page
                partitioner = DayPartitioner(pull.report, pull.node_id, pull.requested)
                try:
                    for batch in self._batches(pull, size, key_row_type(pull.report.key)):
                        yield PageRows(batch, partitioner.partition(batch))
                except CursorError:
                    most_rows = max(most_rows, partitioner.rows)
                    forgotten += size.page == first_page  # a server may forget its cursors when the page size changes
                    if forgotten > 1:
                        raise
                    size = FixedSizes(sizes)
                    yield Restart()
                    continue
                empty_reads += not partitioner.rows
                if partitioner.rows or (empty_reads > 1 and not most_rows):
                    break
                if empty_reads > 1:
                    raise TransientError(f"{pull.report.name} had {most_rows} rows, and none when it was read again")
            sizes.range_succeeded(len(pull.requested.days), partitioner.rows)
            for day, error in partitioner.days_with_duplicate_keys().items():
                yield UntrustedDay(day, error)
        finally:
            self.planner.store(pull.report)

    def read_day_by_id(self, report: Report, day: dt.date, ids: Iterable[str]) -> Rows:
        """Read one day that is too much for one request by ids. Every part is a synchronous read: a day is small. A
        part that is too much is split further: smaller pages were tried before."""
        node_id, whole = self.planner.node_id, Range(day, day)
        size = FixedSizes(self.planner.sizes(report), may_shrink=False)

        def read(part: Part, fields: Sequence[str]) -> Rows:
            partial = dataclasses.replace(report, fields=tuple(fields))
            request = insights_request(partial, whole, part)
            pull = Pull(report=report, node_id=node_id, requested=whole, request=request)
            partitioner, rows = DayPartitioner(report, node_id, whole), Rows()
            for batch in self._batches(pull, size, key_row_type(report.key)):
                # Without the body of the page, because its records are copies.
                answer = dataclasses.replace(batch, body=None, rows=())
                chunks = (chunk for _, chunk in partitioner.partition(batch))
                rows.extend((record, answer) for chunk in chunks for record in chunk.to_pylist())
            for error in partitioner.days_with_duplicate_keys().values():
                raise error
            return rows

        def list_part_ids(part: Part) -> list[str]:
            """Return the ids of the entities that have rows, from the smallest possible request."""
            name = f"{report.level}_id"
            ids_only = dataclasses.replace(
                report, fields=(name,), key=(name,), breakdowns=(), action_breakdowns=(), windows=()
            )
            request = insights_request(ids_only, whole, part)
            batches = self._batches(Pull(report=ids_only, node_id=node_id, requested=whole, request=request), size)
            return [str(msgspec.json.decode(record)[name]) for batch in batches for record in batch.records]

        reader = DayReader(
            read=read, list_ids=list_part_ids, read_key=key_reader(report), fields=report.fields,
            identifying=identifying_fields(report.fields, report.key),
        )
        return read_in_parts(ids, reader=reader, read_total=lambda: self._account_total(report, day))

    def _account_total(self, report: Report, day: dt.date) -> Mapping[str, Any]:
        """Return Meta's own total of the account at this moment."""
        since, until = map(str, report.span(day))
        request = {"level": "account", "fields": list(ADDITIVE), "time_range": {"since": since, "until": until}}
        graph = self.gateway(report.name)
        answer = graph.get(f"{self.planner.node_id}/insights", request, token=self.token, kind=CallKind.INSIGHTS)
        total: Mapping[str, Any] = next(iter(answer.rows), {})
        return total

    def list_ids(self, report: Report) -> list[str]:
        """Return the ids of the level's entities that their listing has now."""
        return list_ids(
            self.planner.node_id, kind_of_level(report.level), graph=self.gateway("entities"), token=self.token,
            size=Sizes(LISTING_PAGE),
        )

    def _batches(self, pull: Pull, size: PageSize, row: type = msgspec.Raw) -> Iterator[Batch]:
        path, request, kind = (
            (f"{pull.node_id}/insights", pull.request, CallKind.INSIGHTS)
            if pull.report_run_id is None
            else (f"{pull.report_run_id}/insights", {}, CallKind.REPORT_RUN)
        )
        yield from self.gateway(pull.report.name).reading(row).batches(
            path, request, token=self.token, kind=kind, size=size
        )
