"""Inserts that say what happens when the key exists: SQLite and Postgres each have their own."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: dict[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert, "postgresql": postgresql.insert,
}


def insert(table: sa.Table, *, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that has `on_conflict_do_update` and `on_conflict_do_nothing` on the dialect of this name."""
    return _INSERTS[dialect](table)
