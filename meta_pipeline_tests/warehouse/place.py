"""A landing and a warehouse into which tests land rows of one account."""

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
from meta_pipeline.records import Batch
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)


class Place:
    def __init__(self, path: Path) -> None:
        self.engine: sa.Engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.path = path / "it's.duckdb"
        self.warehouse = Warehouse(self.path, insights_tables(REPORTS.values()))

    def land(
        self, *rows: Mapping[str, object], day: dt.date = DAY, report: str = "ad_insights", at: dt.datetime = NOW
    ) -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
        self.landing.write_day(
            report, "act_1", day, [(json.dumps(row).encode(), batch) for row in rows], request={}, run_id="r",
            backfill_id="b", now=at,
        )

    def load(self) -> int:
        return self.warehouse.load(self.engine, now=NOW).files

    def versions(self, report: str = "ad_insights", names: str = "rows, impressions, spend") -> list[tuple[Any, ...]]:
        return self.rows(
            f"select landed_at, replaced_at, {names} from raw_meta_pipeline.day_versions where report = '{report}' "
            "order by day, landed_at"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.warehouse.open() as connection:
            return connection.execute(sql).fetchall()
