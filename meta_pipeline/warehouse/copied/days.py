"""Copy the ledger of days into the warehouse: every version of every day, from when until when it was current, and its
sums; days and versions without rows too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb
import sqlalchemy as sa

from meta_pipeline.store.landed import day_versions
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable, quoted
from meta_pipeline.warehouse.temp_table import create_temp_table
from meta_pipeline.warehouse.transactions import transaction

# The clocks of the hosts that land differ; copying a version twice changes nothing.
OVERLAP = dt.timedelta(days=1)
_CHANGED_DAYS = {
    "report": "varchar", "node_id": "varchar", "day": "date", "landed_at": "timestamptz", "replaced_at": "timestamptz",
    "read_at": "timestamptz", "rows": "bigint",
}
_METRICS = {
    "impressions": "bigint", "clicks": "bigint", "inline_link_clicks": "bigint", "spend": "decimal(38, 6)",
}


def sync_day_versions(
    connection: duckdb.DuckDBPyConnection,
    engine: sa.Engine,
    tables: Sequence[RawTable],
    *,
    log: ChangeLog,
    is_whole: bool,
) -> None:
    """Write every version of the days that were read since the last copy, or of all days if `is_whole`, and log the
    days that differ: a day that was read again without a change differs in `read_at`."""
    # By report: one that was removed from the catalogue and added again has older versions to copy than the others.
    newest_copied = [] if is_whole else connection.execute(
        f"select report, max(read_at) from {OWN_SCHEMA}.day_versions group by report"
    ).fetchall()
    since = {report: at - OVERLAP for report, at in newest_copied}
    versions = day_versions.find_since(engine, since={table.name: since.get(table.name) for table in tables})
    if not versions:
        return
    with transaction(connection, "the days"):
        create_temp_table(
            connection, "changed_days", _CHANGED_DAYS,
            [tuple(getattr(version, name) for name in _CHANGED_DAYS) for version in versions],
        )
        of_changed_days = f"from {OWN_SCHEMA}.day_versions semi join changed_days using (report, node_id, day)"
        connection.execute(f"create or replace temp table replaced_days as {of_changed_days}")
        connection.execute(
            f"delete from {OWN_SCHEMA}.day_versions as stored using changed_days as changed "
            "where stored.report = changed.report and stored.node_id = changed.node_id and stored.day = changed.day"
        )
        reports = {version.report for version in versions}
        for table in tables:
            if table.name in reports:
                _insert_versions(connection, table)
        added, removed = f"{of_changed_days} except from replaced_days", f"from replaced_days except {of_changed_days}"
        log.record("day_versions", f"select node_id, day from (({added}) union ({removed}))")


def _insert_versions(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Insert one report's changed versions with the sums of their rows; a metric without a column is null."""
    # A warehouse of an older release has only the end of an earlier version.
    connection.execute(
        f"update {table.versions} as stored set _landed_at = changed.landed_at from changed_days as changed "
        "where changed.report = ? and stored._landed_at is null and stored.node_id = changed.node_id "
        "and stored.day = changed.day and stored._replaced_at = changed.replaced_at",
        [table.name],
    )
    metrics = {name: kind for name, kind in _METRICS.items() if name in table.columns}
    is_unknown = " or ".join(f"{quoted(name)} is null" for name in table.breakdowns) or "false"
    aggregates = f"count(*) filter (where {is_unknown}) as unknown_rows" + "".join(
        f", sum(try_cast({name} as {kind})) as {name}" for name, kind in metrics.items()
    )
    sums = ", ".join(
        f"cast(coalesce(summed.{name}, 0) as {kind})" if name in metrics else "null" for name, kind in _METRICS.items()
    )
    days_of_report = "(select node_id, day from changed_days where report = ?)"
    connection.execute(
        f"""
        insert into {OWN_SCHEMA}.day_versions
        with summed as (
            select node_id, day, null::timestamptz as landed_at, {aggregates}
            from {table.place} semi join {days_of_report} using (node_id, day)
            group by node_id, day
            union all
            select node_id, day, _landed_at, {aggregates}
            from {table.versions} semi join {days_of_report} using (node_id, day)
            group by node_id, day, _landed_at
        )
        select changed.*, coalesce(summed.unknown_rows, 0), {sums}
        from changed_days as changed
        left join summed on changed.node_id = summed.node_id and changed.day = summed.day
            and case when changed.replaced_at is null then summed.landed_at is null
                else changed.landed_at = summed.landed_at end
        where changed.report = ?
        """,
        [table.name] * 3,
    )
