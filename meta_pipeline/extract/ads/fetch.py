"""Reading what was asked for: a range's rows day by day as they come, and by ids a day that is too much at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from meta_pipeline.extract.ads.entities import of_level
from meta_pipeline.extract.ads.insights import PAGE_LIMIT, Pull, Range, insights_request
from meta_pipeline.extract.ads.parts import ADDITIVE, Part, Reading, Rows, kept_of, read_in_parts
from meta_pipeline.extract.ads.plan import Planner
from meta_pipeline.extract.ads.reports import Report
from meta_pipeline.extract.ads.sizes import FixedSizes, Sizes
from meta_pipeline.extract.sorting import DayPartitioner, key_of, row_of
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import CursorError, TransientError
from meta_pipeline.graph.request import PageSize
from meta_pipeline.records import AccessToken, Batch, LandingError


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What reading one node needs of the world. `gateway`: the client for what is asked of a report; `planner` learns
    how much comes back."""

    gateway: Callable[[str], GraphClient]
    token: AccessToken
    planner: Planner

    def read(
        self,
        pull: Pull,
        *,
        add: Callable[[dt.date, pa.BinaryArray, Batch], None],
        restart: Callable[[], None],
        turn: AbstractContextManager[Any],
    ) -> dict[dt.date, LandingError]:
        """Pass on the rows of a pull that is finished, day by day as they come, a page at its `turn`; return the days
        that can't be trusted, and why. A page that is too much is requested again from the same cursor with half of
        the rows. A read whose cursor Meta forgot starts again, and `restart` discards what was passed on before; from
        then on its pages don't grow. A range without any row is believed when it was read twice: Meta answers 200 with
        nothing at moments of trouble too (graph-api.md §14, `empty_200`). One that had rows and then has none is no
        range without delivery."""
        sizes = self.planner.of(pull.report)
        size: PageSize = sizes
        seen, empty, forgotten = 0, 0, 0
        try:
            while True:
                restart()
                first_page = size.page
                sorter = DayPartitioner(pull.report, pull.node_id, pull.asked)
                try:
                    for batch in self._read(pull, size, row_of(pull.report.key)):
                        with turn:
                            for day, records in sorter.parts(batch):
                                add(day, records, batch)
                except CursorError:
                    seen = max(seen, sorter.rows)
                    forgotten += size.page == first_page  # a server may forget its cursors when the page size changes
                    if forgotten > 1:
                        raise
                    size = FixedSizes(sizes)
                    continue
                empty += not sorter.rows
                if sorter.rows or (empty > 1 and not seen):
                    break
                if empty > 1:
                    raise TransientError(f"{pull.report.name} had {seen} rows, and none when it was read again")
            sizes.range_worked(len(pull.asked.days), sorter.rows)
            return sorter.days_with_duplicate_keys()
        finally:
            self.planner.keep(pull.report)

    def in_parts(self, report: Report, day: dt.date, ids: Iterable[str]) -> Rows:
        """One day that is too much at once, read by ids. Every part is a synchronous read: a day is small. A part that
        is too much is read in smaller parts: smaller pages were tried before."""
        node_id, whole = self.planner.node_id, Range(day, day)
        size = FixedSizes(self.planner.of(report), may_shrink=False)

        def read(part: Part, fields: Sequence[str]) -> Rows:
            asked = dataclasses.replace(report, fields=tuple(fields))
            pull = Pull(report, node_id, whole, insights_request(asked, whole, part))
            sorter, rows = DayPartitioner(report, node_id, whole), Rows()
            for batch in self._read(pull, size, row_of(pull.report.key)):
                # Not the page: its records are copies beside it.
                told = dataclasses.replace(batch, body=None, rows=())
                rows.extend((record, told) for _, found in sorter.parts(batch) for record in found.to_pylist())
            for error in sorter.days_with_duplicate_keys().values():
                raise error
            return rows

        def ids_in(part: Part) -> list[str]:
            """The ids of the things that have rows: as little as can be asked for."""
            name = f"{report.level}_id"
            bare = dataclasses.replace(
                report, fields=(name,), key=(name,), breakdowns=(), action_breakdowns=(), windows=()
            )
            pull = Pull(bare, node_id, whole, insights_request(bare, whole, part))
            batches = self._read(pull, size)
            return [str(msgspec.json.decode(record)[name]) for batch in batches for record in batch.records]

        def control() -> Mapping[str, Any]:
            """Meta's own total of the account, asked for in this moment."""
            since, until = map(str, report.span(day))
            asked = {"level": "account", "fields": list(ADDITIVE), "time_range": {"since": since, "until": until}}
            graph = self.gateway(report.name)
            answer = graph.get(f"{node_id}/insights", asked, token=self.token, kind=CallKind.INSIGHTS)
            total: Mapping[str, Any] = next(iter(answer.rows), {})
            return total

        reading = Reading(read, ids_in, key_of(report), report.fields, kept_of(report.fields, report.key))
        return read_in_parts(ids, reading=reading, control=control)

    def listed_ids(self, report: Report) -> list[str]:
        """The ids of a level's things, as its listing has them now."""
        entity = of_level(report.level)
        asked = {"fields": "id", "effective_status": list(entity.statuses)}
        path = f"{self.planner.node_id}/{entity.edge}"
        batches = self.gateway("entities").batches(
            path, asked, token=self.token, kind=CallKind.AD_OBJECTS, size=Sizes(PAGE_LIMIT)
        )
        return [msgspec.json.decode(record)["id"] for batch in batches for record in batch.records]

    def _read(self, pull: Pull, size: PageSize, row: type = msgspec.Raw) -> Iterator[Batch]:
        path, request, kind = (
            (f"{pull.node_id}/insights", pull.request, CallKind.INSIGHTS)
            if pull.report_run_id is None
            else (f"{pull.report_run_id}/insights", {}, CallKind.REPORT_RUN)
        )
        yield from self.gateway(pull.report.name).reading(row).batches(
            path, request, token=self.token, kind=kind, size=size
        )
