"""Drift: what Meta sends that no column knows, counted in every row that is loaded. The payload has it all the same."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable


def count_drift(connection: duckdb.DuckDBPyConnection, table: RawTable, paths: Sequence[str]) -> None:
    """The drift of the changed days (`changed`, in these files) takes the place of what was counted of them before. A
    key of a list's objects is told as `actions.28d_view`."""
    connection.execute(
        f"delete from {OWN_SCHEMA}.drift as kept using changed "
        "where kept.report = ? and kept.node_id = changed.node_id and kept.day = changed.day",
        [table.name],
    )
    # Nearly every row has nothing odd: to find that out costs a third of counting its keys.
    connection.execute(
        "create or replace temp table odd as select node_id, day, payload "
        "from read_parquet(?, hive_partitioning = false) "
        f"where len({_unknown('json_keys(payload)', tuple(table.types))}) > 0 "
        f"or len({_unknown(_keys_within('*'), table.action_keys)}) > 0",
        [list(paths)],
    )
    parts = [f"select node_id, day, unnest({_unknown('json_keys(payload)', tuple(table.types))}) as key from odd"]
    for column in table.actions:
        keys = f"list_distinct({_unknown(_keys_within(column), table.action_keys)})"
        parts.append(f"select node_id, day, '{column}.' || unnest({keys}) as key from odd")
    connection.execute(
        f"insert into {OWN_SCHEMA}.drift select ?, node_id, day, key, count(*) from ({' union all '.join(parts)}) "
        "group by node_id, day, key",
        [table.name],
    )


def _keys_within(column: str) -> str:
    """The keys of all objects of a list."""
    return f"flatten(json_keys(payload, '$.{column}[*]'))"


def _unknown(keys: str, known: Sequence[str]) -> str:
    names = ", ".join(f"'{name}'" for name in known)
    return f"list_filter({keys}, lambda key: key not in ({names}))"
