"""The budgets of Meta's limits shared by all processes and hosts: readings, reservations, waiters."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.coordination.processes import is_gone
from meta_pipeline.store.schema.gateway import budgets, reservations, waiters
from meta_pipeline.store.upserts import insert

# These run before and after every call to Graph, so each is built once: building one takes longer than running it.
_SAVED = (
    budgets.update()
    .where(budgets.c.key == sa.bindparam("_key"))
    .values({column.name: sa.bindparam(column.name) for column in budgets.c if column.name != "key"})
)
_RESERVE = reservations.insert()
_RELEASED = reservations.delete().where(reservations.c.id == sa.bindparam("_id"))
_EXPIRED = waiters.delete().where(waiters.c.expires_at <= sa.bindparam("now"))
_LEFT = waiters.delete().where(waiters.c.ticket == sa.bindparam("_ticket"))


@functools.cache
def _add(dialect: str) -> sa.Insert:
    return insert(budgets, dialect=dialect).on_conflict_do_nothing()


@functools.cache
def _of(table: sa.Table, count: int, *, is_locked: bool = False) -> sa.Select[Any]:
    """Return the query for `count` keys; an `in` for an open number of keys would be compiled again on every call."""
    query = sa.select(table).where(table.c.key.in_([sa.bindparam(f"key{at}") for at in range(count)]))
    return query.order_by(table.c.key).with_for_update() if is_locked else query


def _rows(connection: sa.Connection, table: sa.Table, keys: Iterable[str], *, is_locked: bool = False) -> list[Any]:
    named = {f"key{at}": key for at, key in enumerate(sorted(keys))}
    return list(connection.execute(_of(table, len(named), is_locked=is_locked), named))


def read(connection: sa.Connection, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the rows of these keys that exist."""
    return {row.key: dict(row._mapping) for row in _rows(connection, budgets, keys)}


def read_locked(connection: sa.Connection, fresh: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rows of these keys, locked until the transaction ends; insert missing ones from `fresh`.

    On SQLite the transaction must have written first: otherwise two transactions could both read before either of them
    waits."""
    rows = {row.key: dict(row._mapping) for row in _rows(connection, budgets, fresh, is_locked=True)}
    if missing := [key for key in sorted(fresh) if key not in rows]:
        connection.execute(_add(connection.dialect.name), [{"key": key, **fresh[key]} for key in missing])
        rows = {row.key: dict(row._mapping) for row in _rows(connection, budgets, fresh, is_locked=True)}
    return rows


def reserved_operations(
    connection: sa.Connection, keys: Iterable[str], *, except_id: str, now: dt.datetime
) -> dict[str, int]:
    """Return the operations in flight by key, without those of `except_id`; release those of dead processes."""
    in_flight = dict.fromkeys(keys, 0)
    for row in _rows(connection, reservations, in_flight):
        if row.id == except_id:
            continue
        if row.expires_at <= now or is_gone(row.holder):
            release(connection, row.id)
        else:
            in_flight[row.key] += row.operations
    return in_flight


def reserve(
    connection: sa.Connection, keys: Iterable[str], *, id: str, operations: int, holder: str, expires_at: dt.datetime
) -> None:
    """Record operations in flight on these budgets."""
    rows = [
        {"id": id, "key": key, "operations": operations, "holder": holder, "expires_at": expires_at} for key in keys
    ]
    connection.execute(_RESERVE, rows)


def release(connection: sa.Connection, id: str) -> None:
    """Record that the call has ended."""
    connection.execute(_RELEASED, {"_id": id})


def save(connection: sa.Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Store budgets by key."""
    connection.execute(_SAVED, [{"_key": key, **budget} for key, budget in values.items()])


def count_ahead(connection: sa.Connection, keys: Iterable[str], *, ticket: str, now: dt.datetime) -> dict[str, int]:
    """Return for each budget how many living waiters came before this ticket; one that is not in the queue comes last.
    Remove the waiters that have expired."""
    ahead = dict.fromkeys(keys, 0)
    rows = _rows(connection, waiters, ahead)
    if any(row.expires_at <= now for row in rows):
        connection.execute(_EXPIRED, {"now": now})
    mine = {row.key: row.since for row in rows if row.ticket == ticket}
    for row in rows:
        if row.ticket == ticket or row.expires_at <= now or is_gone(row.holder):
            continue
        if row.key not in mine or (row.since, row.ticket) < (mine[row.key], ticket):
            ahead[row.key] += 1
    return ahead


def enqueue(
    connection: sa.Connection, key: str, *, ticket: str, holder: str, now: dt.datetime, expires_at: dt.datetime
) -> None:
    """Put the ticket into the queue of this budget; a ticket that is in it already keeps its place."""
    mine = (waiters.c.key == key, waiters.c.ticket == ticket)
    if not connection.execute(waiters.update().where(*mine).values(expires_at=expires_at)).rowcount:
        connection.execute(
            waiters.insert().values(key=key, ticket=ticket, holder=holder, since=now, expires_at=expires_at)
        )


def dequeue(connection: sa.Connection, ticket: str) -> None:
    """Remove the ticket from all queues."""
    connection.execute(_LEFT, {"_ticket": ticket})


def find_all(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return all budgets."""
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(budgets).order_by(budgets.c.key))]
