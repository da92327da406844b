"""Opens the control store: SQLite (WAL) or Postgres, tables made when missing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema import metadata


def open_store(url: str) -> sa.Engine:
    """An engine on the control store at SQLAlchemy `url`; its tables exist when this returns."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _: Any) -> None:
            connection.execute("pragma busy_timeout = 30000")
            connection.execute("pragma journal_mode = wal")

    metadata.create_all(engine)
    return engine
