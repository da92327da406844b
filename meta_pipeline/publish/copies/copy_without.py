"""A copy of a warehouse file without some nodes and people. It is written to a new file, because a deleted row stays in
a DuckDB file until it is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from meta_pipeline.intake.tenants import Node
from meta_pipeline.publish.copies.node_columns import SHARED, StoredTable
from meta_pipeline.publish.copies.tenant_file import NODES, SOURCE, copy_comments, create_statements, create_views
from meta_pipeline.publish.copies.warehouse_copy import attach, opened, stored_tables

PAYLOAD = "payload"
RELATED = "related"
# The id of a record that a person wrote; a table has at most one of these columns.
RECORD_COLUMNS = frozenset({"lead_id", "message_id"})
# Columns of tables about nodes that name businesses and other nodes: the owner, both sides of a change, relations.
NAMING_OTHERS = ("owner_business_id", "owner_business", "value_before", "value_after", RELATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The rows, people and businesses that a copy leaves out.

    The rows of `nodes` and of `records` (ids of what a person wrote) are left out. In all other rows, the ids of
    `people` become `word` in the columns `person_columns` (an id column, and the name column beside it);
    `without_people` replaces them in a record as Meta wrote it. In the columns that name owners and other nodes,
    `mentions` finds what is left out, and `without_mentions` removes it."""

    nodes: Collection[Node] = ()
    people: Collection[str] = ()
    person_columns: Mapping[str, str] = field(default_factory=dict)
    without_people: Callable[[str], str] = str
    word: str = ""
    mentions: Callable[[str], bool] = field(default=lambda _: False)
    without_mentions: Callable[[str], str] = str
    records: Collection[str] = ()


def write_copy(source: Path, target: Path, left_out: LeftOut, *, is_exclusive: bool) -> None:
    """Copy a warehouse file to a new file, without what is left out. `is_exclusive`: no other process opens the source
    meanwhile."""
    with opened(target) as connection:
        attach(connection, str(source), SOURCE, options="" if is_exclusive else "(read_only)")
        if is_exclusive:
            connection.execute(f"checkpoint {SOURCE}")
        if left_out.people:
            connection.create_function("without_people", left_out.without_people, ["VARCHAR"], "VARCHAR")
        connection.create_function("without_mentions", left_out.without_mentions, ["VARCHAR"], "VARCHAR")
        for (schema,) in connection.execute(
            "select distinct schema_name from duckdb_schemas() where database_name = ? and not internal", [SOURCE]
        ).fetchall():
            connection.execute(f'create schema if not exists "{schema}"')
        connection.execute("begin")
        statements = dict(create_statements(connection, "duckdb_tables()", "table_name", order="all"))
        for table in stored_tables(connection, SOURCE):
            connection.execute(statements[table.schema, table.name])
            _copy_rows(connection, table, left_out)
        connection.execute("commit")
        create_views(connection, list(create_statements(connection, "duckdb_views()", "view_name", order="view_oid")))
        connection.execute("begin")
        copy_comments(connection)
        connection.execute("commit")
        connection.execute(f"detach {SOURCE}")


def count_rows(connection: duckdb.DuckDBPyConnection, catalog: str, left_out: LeftOut) -> int:
    """Return how many rows of an attached file belong to what is left out, or name it as an owner."""
    count = 0
    connection.create_function("mentions", left_out.mentions, ["VARCHAR"], "BOOLEAN")
    for table in stored_tables(connection, catalog):
        conditions, values = _belongs(table, left_out)
        if conditions:
            query = f"select count(*) from {catalog}.{table.sql} where {' or '.join(conditions)}"
            ((rows,),) = connection.execute(query, values).fetchall()
            count += rows
    return count


def _belongs(table: StoredTable, left_out: LeftOut) -> tuple[list[str], list[Any]]:
    """Return the conditions under which a row belongs to what is left out, and their values."""
    conditions, values = list[str](), list[Any]()
    if table.node_column is not None and table.place not in SHARED and left_out.nodes:
        conditions.append(f'"{table.node_column}" in (select unnest(?::varchar[]))')
        values.append(_ids(table, left_out.nodes))
    names = {name for name, _ in table.columns}
    for column in RECORD_COLUMNS & names if left_out.records else ():
        conditions.append(f'"{column}" in (select unnest(?::varchar[]))')
        values.append(sorted(left_out.records))
    for id_column in left_out.person_columns.keys() & names if left_out.people else ():
        conditions.append(f'"{id_column}" in (select unnest(?::varchar[]))')
        values.append(sorted(left_out.people))
    conditions += [f'coalesce(mentions("{column}"), false)' for column in NAMING_OTHERS if column in names]
    return conditions, values


def _ids(table: StoredTable, nodes: Collection[Node]) -> list[str]:
    """Return the values of a table's node column that name one of these nodes. Only a column `node_id` also has pixels
    and catalogs."""
    if table.node_column == "node_id":
        return sorted({node.id for node in nodes} | set(table.ids_of(nodes)))
    return table.ids_of(nodes)


def _copy_rows(connection: duckdb.DuckDBPyConnection, table: StoredTable, left_out: LeftOut) -> None:
    is_assigned = table.node_column is not None and table.place not in SHARED
    ids = _ids(table, left_out.nodes) if is_assigned else []
    if table.place == NODES:
        _copy_nodes(connection, table, ids, left_out)
        return
    replaced, values = _replacements(table, left_out)
    query = f"insert into {table.sql} by name select *{replaced} from {SOURCE}.{table.sql}"
    if ids:
        query += f' where coalesce("{table.node_column}" not in (select unnest(?::varchar[])), true)'
        values.append(ids)
    for column in RECORD_COLUMNS & {name for name, _ in table.columns} if left_out.records else ():
        query += f' {"and" if ids else "where"} "{column}" not in (select unnest(?::varchar[]))'
        values.append(sorted(left_out.records))
    connection.execute(query, values)


def _replacements(table: StoredTable, left_out: LeftOut) -> tuple[str, list[Any]]:
    """Return the `replace` clause that erases people and owners from the rows of a table that names them."""
    names = {name for name, _ in table.columns}
    columns, values = list[str](), list[Any]()
    for id_column, name_column in left_out.person_columns.items() if left_out.people else ():
        if id_column not in names:
            continue
        is_theirs = f'"{id_column}" in (select unnest(?::varchar[]))'
        for column in {id_column, name_column} & names:
            columns.append(f"""case when {is_theirs} then '{left_out.word}' else "{column}" end as "{column}" """)
            values.append(sorted(left_out.people))
        if PAYLOAD in names:
            mentioned = " or ".join(f"contains({PAYLOAD}, '{person}')" for person in sorted(left_out.people))
            columns.append(f"case when {mentioned} then without_people({PAYLOAD}) else {PAYLOAD} end as {PAYLOAD}")
    columns += [f'without_mentions("{column}") as "{column}"' for column in NAMING_OTHERS if column in names]
    return (f" replace ({', '.join(columns)})" if columns else ""), values


def _copy_nodes(
    connection: duckdb.DuckDBPyConnection, table: StoredTable, ids: Collection[str], left_out: LeftOut
) -> None:
    """Copy the nodes that stay, without their relations to nodes and businesses that are left out."""
    names = [name for name, _ in table.columns]
    related = names.index(RELATED)
    for row in connection.execute(f"select * from {SOURCE}.{table.sql} order by all").fetchall():
        values: list[Any] = list(row)
        if values[names.index("node_id")] in ids:
            continue
        relations = json.loads(values[related] or "[]")
        staying = [each for each in relations if each.get("id") not in ids and not left_out.mentions(json.dumps(each))]
        if staying != relations:
            values[related] = json.dumps(staying, sort_keys=True)
        for column in (set(NAMING_OTHERS) & set(names)) - {RELATED}:
            place = names.index(column)
            values[place] = None if values[place] is None else left_out.without_mentions(values[place])
        connection.execute(f"insert into {table.sql} values ({', '.join('?' * len(values))})", values)
