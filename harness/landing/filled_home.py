"""A control store, a landing and a warehouse, filled by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
DAYS = [dt.date(2026, 11, day) for day in (1, 2, 3)]
TABLES = {
    "rows": "select node_id, day, ad_id, spend from raw_meta_ads.ad_insights order by all",
    "versions": "select node_id, day, ad_id, spend, _landed_at, _replaced_at from raw_meta_ads.ad_insights_versions "
    "order by all",
    "histories": "select id, name, _fetched_at from raw_meta_ads.campaigns_history order by all",
    "day versions": "select report, node_id, day, landed_at, replaced_at, rows, spend "
    "from raw_meta_pipeline.day_versions order by all",
    "drift": "select * from raw_meta_pipeline.drift order by all",
}


class FilledHome:
    """A control store, a landing and a warehouse, filled by hand."""

    def __init__(self, path: Path, account: str = "act_1") -> None:
        path.mkdir(exist_ok=True)
        self.account, self.at, self.path = account, NOW, path
        self.engine: sa.Engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))

    def land(self, report: str, day: dt.date, *rows: Mapping[str, object]) -> None:
        self.at += dt.timedelta(hours=1)
        batch = Batch(records=(), trace_id="T", version="v25.0", fetched_at=self.at)
        self.landing.write_day(
            report, self.account, day, [(json.dumps(row).encode(), batch) for row in rows], request={}, run_id="r",
            backfill_id="b", now=self.at,
        )

    def load(self) -> int:
        return self.warehouse.load(self.engine, now=self.at).files

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.warehouse.open() as connection:
            return {name: connection.execute(query).fetchall() for name, query in TABLES.items()}

    def fill(self, *, generation: int) -> None:
        """Rows, a restated day, a listing that changes, and a day without delivery."""
        for number, day in enumerate(DAYS[:2]):
            self.land("ad_insights", day, {"ad_id": "1", "spend": str(number + generation), "odd": 1})
        self.land("ad_insights", DAYS[2])
        self.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": f"state {generation}"})
