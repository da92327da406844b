"""A warehouse file that only this process opens: a copy before it is renamed, or a new file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.files.durable import DurableFile
from meta_pipeline.files.locations import Location
from meta_pipeline.files.temporary import discard_left_behind_of
from meta_pipeline.intake.tenants import Node
from meta_pipeline.publish.copies.node_columns import StoredTable
from meta_pipeline.warehouse.tables import OWN_SCHEMA

# The database name in every published file: a view that names its database names this one.
CATALOG = "warehouse"
# Rows of a table have no order, so DuckDB need not use memory to preserve it.
_SETTINGS = {"preserve_insertion_order": "false", "memory_limit": "1GB", "threads": "2"}


@contextlib.contextmanager
def replacing(location: Location) -> Iterator[DurableFile]:
    """Rename the file that the block writes to `location`; after an error the earlier file stays."""
    file = DurableFile(location)
    discard_left_behind_of(location)
    try:
        yield file
        file.commit()
    finally:
        with contextlib.suppress(OSError):
            file.discard()


@contextlib.contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a private file for writing, or create it; a checkpoint at the end of the block writes everything into the
    file itself. A new file has a format that older DuckDB clients can open."""
    with contextlib.closing(duckdb.connect(config=dict(_SETTINGS))) as connection:
        attach(connection, str(file), CATALOG, options="" if file.exists() else "(storage_version 'v1.5.0')")
        connection.execute(f"use {CATALOG}; set timezone = 'UTC'")
        yield connection
        connection.execute(f"checkpoint {CATALOG}; use memory; detach {CATALOG}")


def attach(connection: duckdb.DuckDBPyConnection, file: Location, name: str, *, options: str = "(read_only)") -> None:
    """Attach another file under a name, for reading unless `options` say otherwise."""
    connection.execute(f"attach '{literal(reading.duckdb_location(file))}' as {name} {options}")


def literal(text: str) -> str:
    """Return a text with its single quotes doubled, for a SQL string."""
    return text.replace("'", "''")


def stored_tables(connection: duckdb.DuckDBPyConnection, catalog: str = CATALOG) -> list[StoredTable]:
    """Return the tables of a file with their columns, by schema and name."""
    rows = connection.execute(
        "select schema_name, table_name, list((column_name, data_type) order by column_index) from duckdb_columns() "
        "where database_name = $1 and not internal "
        "and table_oid in (select table_oid from duckdb_tables() where database_name = $1) "
        "group by all order by all",
        [catalog],
    ).fetchall()
    return [StoredTable(schema, name, tuple(map(tuple, columns))) for schema, name, columns in rows]


def linked_nodes(connection: duckdb.DuckDBPyConnection) -> list[Node]:
    """Return the nodes that were linked when the warehouse was loaded."""
    if not has_relation(connection, OWN_SCHEMA, "nodes"):
        return []
    if not has_relation(connection, OWN_SCHEMA, "node_versions"):  # a warehouse of an older release
        listed = f"select kind, node_id, owner_business from {OWN_SCHEMA}.nodes order by all"
        return [Node(*row) for row in connection.execute(listed).fetchall()]
    rows = connection.execute(
        "select nodes.kind, nodes.node_id, coalesce(versions.owner_business_id, nodes.owner_business) "
        f"from {OWN_SCHEMA}.nodes left join {OWN_SCHEMA}.node_versions as versions "
        "on nodes.node_id = versions.node_id and versions.valid_to is null order by all"
    ).fetchall()
    return [Node(*row) for row in rows]


def has_relation(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Return True if the file has a table or view of this name."""
    query = (
        "select 1 from information_schema.tables "
        "where table_catalog = current_database() and table_schema = ? and table_name = ?"
    )
    return bool(connection.execute(query, [schema, name]).fetchall())
