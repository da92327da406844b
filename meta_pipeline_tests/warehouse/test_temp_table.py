"""A temporary table has the rows that it is created from."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from meta_pipeline.warehouse.temp_table import create_temp_table

TYPES = {"name": "varchar", "day": "date", "rows": "bigint", "landed_at": "timestamptz"}
AT = dt.datetime(2026, 11, 1, 12, 30, 15, 250_000, dt.UTC)


@pytest.mark.parametrize("count", [0, 1, 1_000, 1_001])
def test_the_table_has_the_rows(count: int) -> None:
    rows = [(f"'{n}", dt.date(2026, 11, 1), n, None if n % 2 else AT) for n in range(count)]
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        create_temp_table(connection, "made", TYPES, [("other", None, 1, None)])
        create_temp_table(connection, "made", TYPES, rows)
        read = connection.execute("select name, day, rows, epoch_us(landed_at) from made order by rows").fetchall()
        kinds = [row[1] for row in connection.execute("describe made").fetchall()]

    assert read == [(name, day, n, None if at is None else round(at.timestamp() * 1e6)) for name, day, n, at in rows]
    assert kinds == ["VARCHAR", "DATE", "BIGINT", "TIMESTAMP WITH TIME ZONE"]
