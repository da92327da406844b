"""Inserts with a clause for conflicts (`on conflict`), in the dialects of SQLite and Postgres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: dict[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert, "postgresql": postgresql.insert,
}


def insert(table: sa.Table, *, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that has `on_conflict_do_update` and `on_conflict_do_nothing` on the dialect of this name."""
    return _INSERTS[dialect](table)


def insert_or_replace(engine: sa.Engine, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or replace those with the same primary key, in one transaction. All rows have the same columns."""
    if not rows:
        return
    statement = insert(table, dialect=engine.dialect.name)
    key = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in key}
    with engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), rows)
