"""Drift: what Meta sends that no column knows, counted in every row that is loaded. The payload has it all the same."""

from __future__ import annotations

import duckdb

from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable


def count_drift(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """The drift of the changed days (`changed`) takes the place of what was counted of them before. A key of a list's
    objects is told as `actions.28d_view`."""
    connection.execute(
        f"delete from {OWN_SCHEMA}.drift as kept using changed "
        "where kept.report = ? and kept.node_id = changed.node_id and kept.day = changed.day",
        [table.name],
    )
    rows = f"(select * from {table.place} semi join changed using (node_id, day))"
    parts = [f"select node_id, day, unnest(json_keys(payload)) as key from {rows}"]
    parts += [
        f"select node_id, day, '{column}.' || unnest(list_distinct(flatten(list_transform("
        f"json_extract(payload, '$.{column}[*]'), lambda action: json_keys(action))))) as key from {rows}"
        for column in table.actions
    ]
    known = [*table.types, *(f"{column}.{key}" for column in table.actions for key in table.action_keys)]
    connection.execute(
        f"insert into {OWN_SCHEMA}.drift select ?, node_id, day, key, count(*) from ({' union all '.join(parts)}) "
        "where not list_contains(?, key) group by node_id, day, key",
        [table.name, known],
    )
