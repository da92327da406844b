"""A tenant's file. It is always a new file, because a deleted row stays in a DuckDB file until it is overwritten."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import duckdb

from meta_pipeline.intake.tenants import Node
from meta_pipeline.publish.copies.node_columns import SHARED, StoredTable
from meta_pipeline.publish.copies.warehouse_copy import literal, stored_tables
from meta_pipeline.records import LoadError

SOURCE = "complete"
NODES = "raw_meta_pipeline.nodes"


def fill(connection: duckdb.DuckDBPyConnection, *, nodes: Collection[Node], linked: Collection[Node]) -> list[str]:
    """Copy the rows of these nodes from the complete file, attached as SOURCE, with all tables, views and comments.
    Return a sentence for each table that is left empty because no column names the node of a row. `linked`: all
    nodes."""
    for (schema,) in connection.execute(
        "select distinct schema_name from duckdb_schemas() where database_name = ? and not internal", [SOURCE]
    ).fetchall():
        connection.execute(f'create schema if not exists "{schema}"')
    connection.execute("begin")  # one commit: a sync for each table would take longer than the rows
    unassigned = _copy_tables(connection, nodes, linked)
    connection.execute("commit")
    create_views(connection, list(create_statements(connection, "duckdb_views()", "view_name", order="view_oid")))
    connection.execute("begin")
    copy_comments(connection)
    connection.execute("commit")
    return unassigned


def _copy_tables(
    connection: duckdb.DuckDBPyConnection, nodes: Collection[Node], linked: Collection[Node]
) -> list[str]:
    statements = dict(create_statements(connection, "duckdb_tables()", "table_name", order="all"))
    unassigned: list[str] = []
    foreign = {node.id for node in linked} - {node.id for node in nodes}
    for table in stored_tables(connection, SOURCE):
        connection.execute(statements[table.schema, table.name])
        if not table.is_assigned:
            unassigned.append(f"{table.place} is empty for tenants: none of its columns names the node of a row")
        elif table.place == NODES:
            _copy_nodes(connection, table, nodes, foreign=foreign)
        else:
            _copy_rows(connection, table, nodes)
    return unassigned


def create_statements(
    connection: duckdb.DuckDBPyConnection, catalog_table: str, name: str, *, order: str
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the statement that creates each table or view, by schema and name."""
    for schema, relation, statement in connection.execute(
        f"select schema_name, {name}, sql from {catalog_table} where database_name = ? and not internal "
        f"order by {order}",
        [SOURCE],
    ).fetchall():
        yield (schema, relation), statement


def _copy_rows(connection: duckdb.DuckDBPyConnection, table: StoredTable, nodes: Collection[Node]) -> None:
    query = f"insert into {table.sql} by name select * from {SOURCE}.{table.sql}"
    if table.place in SHARED:
        connection.execute(query)
    elif table.node_column is not None:
        connection.execute(
            f'{query} where "{table.node_column}" in (select unnest(?::varchar[]))', [table.ids_of(nodes)]
        )


def _copy_nodes(
    connection: duckdb.DuckDBPyConnection, table: StoredTable, nodes: Collection[Node], *, foreign: Collection[str]
) -> None:
    """Copy the nodes without their relations to `foreign` nodes."""
    names = [name for name, _ in table.columns]
    related = names.index("related")
    for row in connection.execute(
        f"select * from {SOURCE}.{table.sql} where node_id in (select unnest(?::varchar[]))", [table.ids_of(nodes)]
    ).fetchall():
        values: list[Any] = list(row)
        relations = json.loads(values[related] or "[]")
        values[related] = json.dumps([each for each in relations if each.get("id") not in foreign], sort_keys=True)
        connection.execute(f"insert into {table.sql} values ({', '.join('?' * len(values))})", values)


def create_views(connection: duckdb.DuckDBPyConnection, views: Sequence[tuple[tuple[str, str], str]]) -> None:
    """Create the views, each after the views that it reads."""
    waiting = list(views)
    while waiting:
        rest: list[tuple[tuple[str, str], str]] = []
        for name, statement in waiting:
            try:
                connection.execute(statement)
            except duckdb.CatalogException as error:
                rest.append((name, statement))
                cause = error
        if len(rest) == len(waiting):
            raise LoadError(f"can't publish the view {'.'.join(rest[0][0])}: {str(cause).splitlines()[0]}")
        waiting = rest


def copy_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Copy the comments of tables, views and their columns."""
    for kind in ("table", "view"):
        _comment(connection, kind, connection.execute(
            f"""select '"' || schema_name || '"."' || {kind}_name || '"', comment from duckdb_{kind}s() """
            "where database_name = ? and comment is not null", [SOURCE]
        ).fetchall())
    _comment(connection, "column", connection.execute(
        """select '"' || schema_name || '"."' || table_name || '"."' || column_name || '"', comment """
        "from duckdb_columns() where database_name = ? and comment is not null", [SOURCE]
    ).fetchall())


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, comments: Iterable[tuple[str, str]]) -> None:
    for place, comment in comments:
        connection.execute(f"comment on {kind} {place} is '{literal(comment)}'")
