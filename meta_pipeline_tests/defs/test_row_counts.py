"""dbt's tables have their number of rows in the Dagster UI."""

from __future__ import annotations

from pathlib import Path

import duckdb

from meta_pipeline.warehouse.counts import row_counts


def test_the_tables_of_the_marts_are_counted_and_views_are_not(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute("create schema marts; create table marts.dim_ads as select * from range(3)")
        warehouse.execute("create schema staging; create view staging.stg_ads as select 1")
        warehouse.execute("create table raw as select 1")

        assert row_counts(warehouse) == {"dim_ads": 3}


def test_a_warehouse_without_tables_has_no_counts() -> None:
    with duckdb.connect() as warehouse:
        assert row_counts(warehouse) == {}
