"""Pages and Instagram accounts of a sandbox in this process, pulled into a home on a clock on which waiting costs
nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.flows.pulling.side_by_side import land_side_by_side
from meta_pipeline.landing.landing import Landing
from meta_pipeline.node_kinds import PACIFIC
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.control import control
from meta_pipeline.warehouse.warehouse import Warehouse

PAGES = ("3000000000001", "3000000000002", "3000000000003")
INSTAGRAM_ACCOUNTS = ("17841400000000001", "17841400000000002", "17841400000000003")
PAGE, INSTAGRAM_ACCOUNT = PAGES[0], INSTAGRAM_ACCOUNTS[0]
ZONE = ZoneInfo(PACIFIC)


class Cost(NamedTuple):
    """The cost of a pull: HTTP calls, and the operations that Meta charges."""

    http_calls: int
    operations: int


class Organic:
    """A home to which a token of a `kind` is connected. `world`: the sandbox's options."""

    def __init__(
        self, path: Path, *, at: dt.datetime | None = None, kind: str = "SYSTEM_USER", **world: Any
    ) -> None:
        self.runtime = FrozenRuntime(path)
        if at is not None:
            self.runtime.clock.at = at
        self.control("world", **world)
        self.engine = self.runtime.engine
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.pulls = 0
        self.cost = Cost(0, 0)
        self.ref = self.runtime.onboard(self.runtime.mint(kind))

    @property
    def today(self) -> dt.date:
        """Return the present Pacific day."""
        return self.runtime.clock.at.astimezone(ZONE).date()

    def wait(self, **length: float) -> None:
        """Move the clock."""
        self.runtime.clock.at += dt.timedelta(**length)

    def days(self, count: int) -> list[dt.date]:
        """Return the last finished Pacific days."""
        return [self.today - dt.timedelta(days=n) for n in range(count, 0, -1)]

    def control(self, name: str, **body: Any) -> Any:
        """Make a control call of the sandbox."""
        return control(self.runtime.graph, name, body, {})

    def truth(self, name: str, days: Sequence[dt.date], **query: str) -> dict[str, list[dict[str, Any]]]:
        """Return the sandbox's truth of `pages` or `instagram` of these days, now."""
        query |= {"since": min(days).isoformat(), "until": max(days).isoformat()}
        truth: dict[str, list[dict[str, Any]]] = control(self.runtime.graph, f"truth/{name}", None, query)
        return truth

    def context(self, **changes: Any) -> PullContext:
        """Return the context of the next pull."""
        self.pulls += 1
        name = f"pull {self.pulls}"
        changes = {"run_id": name, "backfill_id": name, **changes}
        return PullContext(
            graph=self.runtime.client, tokens=self.runtime.vault, landing=self.landing, engine=self.engine,
            sleep=self.runtime.clock.sleep, now=self.runtime.clock.now, **changes,
        )

    def pull(
        self, node_ids: str | Sequence[str], reports: str | Sequence[str], days: Sequence[dt.date] = (), **changes: Any
    ) -> list[LandedFile | FailedDay]:
        """Pull these reports of these nodes; `cost` is the cost of this pull."""
        nodes = [node_ids] if isinstance(node_ids, str) else node_ids
        names = reports.split() if isinstance(reports, str) else list(reports)
        before = len(self.runtime.events)
        context = self.context(**changes)
        results = list(land_side_by_side({node: days or [self.today] for node in nodes}, names, context=context))
        events = self.runtime.events[before:]
        self.cost = Cost(len(events), sum(event.operations for event in events))
        return results

    def land(
        self, node_ids: str | Sequence[str], reports: str | Sequence[str], days: Sequence[dt.date] = (), **changes: Any
    ) -> list[LandedFile]:
        """Pull, and raise AssertionError for a day that did not land."""
        results = self.pull(node_ids, reports, days, **changes)
        if failed := [result for result in results if isinstance(result, FailedDay)]:
            raise AssertionError(failed[0])
        return [result for result in results if isinstance(result, LandedFile)]

    def load(self) -> None:
        """Load everything that landed."""
        loaded = self.warehouse.load(self.engine, now=self.runtime.clock.at)
        assert loaded.skipped == ()

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query over the warehouse."""
        with self.warehouse.open() as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
