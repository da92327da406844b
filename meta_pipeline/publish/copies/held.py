"""Nodes whose checks failed keep their last good publication: their rows in the private copy are replaced by those of
the file that was published before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.intake.tenants import Node
from meta_pipeline.publish.copies.node_columns import NEVER_HELD, StoredTable, assigned
from meta_pipeline.publish.copies.warehouse_copy import attach, has_relation, linked_nodes, stored_tables
from meta_pipeline.warehouse.tables import OWN_DDL, OWN_SCHEMA

PREVIOUS = "previous"
_STATUS = f"{OWN_SCHEMA}.node_publications"
_FAILURES = """
select account_id, string_agg(distinct check_name, ', ' order by check_name), count(*), min(date_day)
from marts.fct_check_failures where severity = 'error' group by account_id
"""


@dataclass(frozen=True, slots=True)
class LastGood:
    """The last publication in which a node was not held back."""

    at: dt.datetime
    build_id: str


@dataclass(frozen=True, slots=True)
class Held:
    """A node that is held back, and why. `last_good`: the publication whose rows it shows; None: its rows are left
    out."""

    node: Node
    reason: str
    last_good: LastGood | None


def failed_nodes(connection: duckdb.DuckDBPyConnection) -> dict[Node, str]:
    """Return the nodes that have a check with severity `error`, and what failed."""
    if not has_relation(connection, "marts", "fct_check_failures"):
        return {}
    by_id = {node.id.removeprefix("act_"): node for node in linked_nodes(connection)}
    return {
        by_id[account_id.removeprefix("act_")]: f"{checks} ({count} from {first_day} on)"
        for account_id, checks, count, first_day in connection.execute(_FAILURES).fetchall()
        if (account_id or "").removeprefix("act_") in by_id
    }


def hold_back(connection: duckdb.DuckDBPyConnection, failed: dict[Node, str], *, previous: Location) -> list[Held]:
    """Replace the rows of the failed nodes by those of the previous publication. Remove their rows if there is no
    previous one, or if its tables have other columns: a mix of two builds would be worse."""
    tables = [table for table in assigned(stored_tables(connection)) if table.place not in NEVER_HELD]
    if not failed:
        return []
    if not reading.exists(previous):
        held = [_held_out(node, reason, "nothing was published before") for node, reason in failed.items()]
        _replace(connection, tables, held, before={})
        return held
    attach(connection, previous, PREVIOUS)
    try:
        before = {table.place: table for table in stored_tables(connection, PREVIOUS)}
        last_good = _last_good(connection, before)
        differing = next((table.place for table in tables if _differs(table, before)), None)
        held = []
        for node, reason in failed.items():
            if differing is not None:
                held.append(_held_out(node, reason, f"{differing} had other columns then"))
            elif node.id not in last_good:
                held.append(_held_out(node, reason, "it has no good publication"))
            else:
                held.append(Held(node, reason, last_good[node.id]))
        _replace(connection, tables, held, before=before)
    finally:
        connection.execute(f"detach {PREVIOUS}")
    return held


def record_publications(
    connection: duckdb.DuckDBPyConnection, held: Iterable[Held], *, build_id: str, at: dt.datetime
) -> None:
    """Write for each node whether this publication holds it back, and its last good one."""
    by_id = {each.node.id: each for each in held}
    connection.execute(f"{OWN_DDL}; delete from {_STATUS}")  # a warehouse of an older release lacks the table
    for node in linked_nodes(connection):
        node_held = by_id.get(node.id)
        good = node_held.last_good if node_held else LastGood(at, build_id)
        connection.execute(
            f"insert into {_STATUS} values (?, ?, ?, ?, ?)",
            [node.id, node_held is not None, node_held and node_held.reason, good and good.at, good and good.build_id],
        )


def _held_out(node: Node, reason: str, cause: str) -> Held:
    return Held(node, f"{reason}; not in this publication: {cause}", None)


def _differs(table: StoredTable, before: dict[str, StoredTable]) -> bool:
    """Return True if the previous file has the table with other columns. A table that it lacks had no row."""
    previous = before.get(table.place)
    return previous is not None and dict(previous.columns) != dict(table.columns)


def _last_good(connection: duckdb.DuckDBPyConnection, before: dict[str, StoredTable]) -> dict[str, LastGood]:
    if _STATUS not in before:
        return {}
    query = f"select node_id, last_good_at, last_good_build_id from {PREVIOUS}.{_STATUS} where last_good_at is not null"
    return {node_id: LastGood(at, build_id) for node_id, at, build_id in connection.execute(query).fetchall()}


def _replace(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[StoredTable],
    held: Iterable[Held],
    *,
    before: dict[str, StoredTable],
) -> None:
    """Delete the rows of the held nodes, and insert those that the previous file has of the nodes that were good."""
    held = list(held)
    everyone, good = [each.node for each in held], [each.node for each in held if each.last_good]
    for table in tables:
        matches = f'where "{table.node_column}" in (select unnest(?::varchar[]))'
        connection.execute(f"delete from {table.sql} {matches}", [table.ids_of(everyone)])
        if table.place in before:
            connection.execute(
                f"insert into {table.sql} by name select * from {PREVIOUS}.{table.sql} {matches}", [table.ids_of(good)]
            )
