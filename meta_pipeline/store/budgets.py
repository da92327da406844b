"""The budgets of Meta's limits as every process and host sees them: readings, reservations, who waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from meta_pipeline.store.processes import is_gone
from meta_pipeline.store.schema import budgets, reservations, waiters


def locked(connection: sa.Connection, fresh: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of these keys, made from `fresh` where they are missing, and nobody else's until the transaction ends.
    The first statement writes, so that two SQLite transactions never read before one of them waits."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    keys = sorted(fresh)
    connection.execute(insert(budgets).on_conflict_do_nothing(), [{"key": key, **fresh[key]} for key in keys])
    query = sa.select(budgets).where(budgets.c.key.in_(keys)).order_by(budgets.c.key).with_for_update()
    return {row.key: dict(row._mapping) for row in connection.execute(query)}


def outstanding(connection: sa.Connection, keys: Iterable[str], *, now: dt.datetime) -> dict[str, int]:
    """Operations in flight by key. What a dead process held is given back."""
    found = dict.fromkeys(keys, 0)
    query = sa.select(reservations).where(reservations.c.key.in_(list(found)))
    for row in connection.execute(query).all():
        if row.expires_at <= now or is_gone(row.holder):
            connection.execute(reservations.delete().where(reservations.c.id == row.id))
        else:
            found[row.key] += row.operations
    return found


def reserve(
    connection: sa.Connection, keys: Iterable[str], *, id: str, operations: int, holder: str, expires_at: dt.datetime
) -> None:
    """So many operations are in flight on these budgets."""
    rows = [
        {"id": id, "key": key, "operations": operations, "holder": holder, "expires_at": expires_at} for key in keys
    ]
    connection.execute(reservations.insert(), rows)


def release(connection: sa.Connection, id: str) -> None:
    """The call has ended."""
    connection.execute(reservations.delete().where(reservations.c.id == id))


def save(connection: sa.Connection, key: str, values: Mapping[str, Any]) -> None:
    """What is known of a budget now."""
    connection.execute(budgets.update().where(budgets.c.key == key).values(**values))


def is_first(connection: sa.Connection, key: str, *, ticket: str, now: dt.datetime) -> bool:
    """Whether no living waiter of this budget came before this ticket (one that is not in the queue comes last)."""
    rows = connection.execute(sa.select(waiters).where(waiters.c.key == key)).all()
    mine = next((row.since for row in rows if row.ticket == ticket), None)
    for row in rows:
        if row.ticket == ticket or row.expires_at <= now or is_gone(row.holder):
            continue
        if mine is None or (row.since, row.ticket) < (mine, ticket):
            return False
    return True


def queue(
    connection: sa.Connection, key: str, *, ticket: str, holder: str, now: dt.datetime, expires_at: dt.datetime
) -> None:
    """The ticket stands in the queue of this budget, where it stood before if it did."""
    mine = (waiters.c.key == key, waiters.c.ticket == ticket)
    if not connection.execute(waiters.update().where(*mine).values(expires_at=expires_at)).rowcount:
        connection.execute(
            waiters.insert().values(key=key, ticket=ticket, holder=holder, since=now, expires_at=expires_at)
        )


def leave(connection: sa.Connection, ticket: str) -> None:
    """The ticket waits for nothing any more."""
    connection.execute(waiters.delete().where(waiters.c.ticket == ticket))


def every(engine: sa.Engine) -> list[dict[str, Any]]:
    """All budgets, for people to look at."""
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(budgets).order_by(budgets.c.key))]
