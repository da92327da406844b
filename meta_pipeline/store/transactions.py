"""Transactions that read and then write what depends on it, one at a time across all processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

_LINKS_LOCK = 0x4C696E6B  # an arbitrary number that nothing else locks on this Postgres


@contextlib.contextmanager
def begin_alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that excludes all others of its kind: what it reads stays true until it commits."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("begin immediate")
        else:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LINKS_LOCK})
        yield connection
