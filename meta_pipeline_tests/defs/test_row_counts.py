"""dbt's tables have their number of rows in the Dagster UI."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb

from meta_pipeline.defs.assets.dbt_events import counted
from meta_pipeline.warehouse.counts import row_counts


def test_the_tables_of_the_marts_are_counted_and_views_are_not(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute("create schema marts; create table marts.dim_ads as select * from range(3)")
        warehouse.execute("create schema staging; create view staging.stg_ads as select 1")
        warehouse.execute("create table raw as select 1")

    assert row_counts(file) == {"dim_ads": 3}
    assert row_counts(tmp_path / "absent.duckdb") == {}


def test_an_event_of_dbt_gets_the_rows_of_its_table() -> None:
    def event(model: str) -> dg.Output[None]:
        return dg.Output(None, output_name=model, metadata={"unique_id": f"model.meta_pipeline.{model}"})

    with_rows, view = (counted(event(model), {"dim_ads": 3}) for model in ("dim_ads", "stg_ads"))
    check = dg.AssetCheckResult(passed=True, check_name="unique")

    assert with_rows.metadata["dagster/row_count"].value == 3 and with_rows.output_name == "dim_ads"
    assert "dagster/row_count" not in view.metadata
    assert counted(check, {"dim_ads": 3}) is check
