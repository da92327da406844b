"""Count drift: keys that Meta sends and no column has, in every loaded row. The payload keeps their values."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from meta_pipeline.warehouse.raw.landed_rows import LandedRows
from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable


def count_drift(connection: duckdb.DuckDBPyConnection, table: RawTable, landed: LandedRows) -> None:
    """Replace the drift of the changed days, which are in the temporary table `changed`; `landed`: their rows. A key of
    the objects in a list is named `actions.28d_view`."""
    connection.execute(
        f"delete from {OWN_SCHEMA}.drift as stored using changed "
        "where stored.report = ? and stored.node_id = changed.node_id and stored.day = changed.day",
        [table.name],
    )
    # Most rows have no drift, and filtering them out costs a third of counting their keys.
    connection.execute(
        "create or replace temp table drifted as select node_id, day, payload "
        f"from {landed.sql} "
        f"where len({_unknown('json_keys(payload)', tuple(table.types))}) > 0 "
        f"or len({_unknown(_keys_within('*'), table.action_keys)}) > 0",
        landed.parameters,
    )
    parts = [f"select node_id, day, unnest({_unknown('json_keys(payload)', tuple(table.types))}) as key from drifted"]
    for column in table.actions:
        keys = f"list_distinct({_unknown(_keys_within(column), table.action_keys)})"
        parts.append(f"select node_id, day, '{column}.' || unnest({keys}) as key from drifted")
    connection.execute(
        f"insert into {OWN_SCHEMA}.drift select ?, node_id, day, key, count(*) from ({' union all '.join(parts)}) "
        "group by node_id, day, key",
        [table.name],
    )


def _keys_within(column: str) -> str:
    """Return SQL for the keys of all objects in a list."""
    return f"flatten(json_keys(payload, '$.{column}[*]'))"


def _unknown(keys: str, columns: Sequence[str]) -> str:
    names = ", ".join(f"'{name}'" for name in columns)
    return f"list_filter({keys}, lambda key: key not in ({names}))"
