"""The ledger of days beside their rows: every version of every day, when it was so, and what it amounts to. A day
without a row, and a version without a row, stand here as well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.store import day_versions
from meta_pipeline.warehouse.raw import keep, transaction
from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable, quoted

# The clocks of the hosts that land differ; what is told twice is the same.
OVERLAP = dt.timedelta(days=1)
_MOMENT = pa.timestamp("us", tz="UTC")
_TOLD = pa.schema(
    [
        ("report", pa.string()), ("node_id", pa.string()), ("day", pa.date32()), ("landed_at", _MOMENT),
        ("replaced_at", _MOMENT), ("read_at", _MOMENT), ("rows", pa.int64()),
    ]
)
_FIGURES = {
    "impressions": "bigint", "clicks": "bigint", "inline_link_clicks": "bigint", "spend": "decimal(38, 6)",
}


def sync_day_versions(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine, tables: Sequence[RawTable], *, is_whole: bool
) -> None:
    """Write every version of the days that were read since this was done last; of all days when `is_whole`."""
    # By report: one that had left the catalogue and is back has more to tell than the others.
    known = [] if is_whole else connection.execute(
        f"select report, max(read_at) from {OWN_SCHEMA}.day_versions group by report"
    ).fetchall()
    since = {report: at - OVERLAP for report, at in known}
    told = [
        one for table in tables
        for one in day_versions.find_since(engine, reports=[table.name], since=since.get(table.name))
    ]
    if not told:
        return
    with transaction(connection, "the days"):
        keep(
            connection, "told", _TOLD,
            [
                (one.report, one.node_id, one.day, one.landed_at, one.replaced_at, one.read_at, one.rows)
                for one in told
            ],
        )
        connection.execute(
            f"delete from {OWN_SCHEMA}.day_versions as kept using told "
            "where kept.report = told.report and kept.node_id = told.node_id and kept.day = told.day"
        )
        reports = {one.report for one in told}
        for table in tables:
            if table.name in reports:
                _tell(connection, table)


def _tell(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """One report's versions with what their rows amount to; a figure that it does not ask for is null."""
    # A warehouse of before knew an earlier version by its end alone.
    connection.execute(
        f"update {table.versions} as kept set _landed_at = told.landed_at from told where told.report = ? "
        "and kept._landed_at is null and kept.node_id = told.node_id and kept.day = told.day "
        "and kept._replaced_at = told.replaced_at",
        [table.name],
    )
    figures = {name: kind for name, kind in _FIGURES.items() if name in table.columns}
    absent = " or ".join(f"{quoted(name)} is null" for name in table.breakdowns) or "false"
    sums = "".join(f", sum(try_cast({name} as {kind})) as {name}" for name, kind in figures.items())
    counted = f"count(*) filter (where {absent}) as unknown_rows{sums}"
    amounts = ", ".join(
        f"cast(coalesce(found.{name}, 0) as {kind})" if name in figures else "null" for name, kind in _FIGURES.items()
    )
    connection.execute(
        f"insert into {OWN_SCHEMA}.day_versions "
        "select told.*, coalesce(found.unknown_rows, 0), " + amounts + " from told left join ("
        f"select node_id, day, null::timestamptz as landed_at, {counted} from {table.place} "
        "semi join (select node_id, day from told where report = ?) using (node_id, day) group by node_id, day "
        f"union all select node_id, day, _landed_at, {counted} from {table.versions} "
        "semi join (select node_id, day from told where report = ?) using (node_id, day) "
        "group by node_id, day, _landed_at) as found "
        "on told.node_id = found.node_id and told.day = found.day "
        "and case when told.replaced_at is null then found.landed_at is null "
        "else told.landed_at = found.landed_at end where told.report = ?",
        [table.name] * 3,
    )
