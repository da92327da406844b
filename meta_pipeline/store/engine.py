"""Opens the control store: SQLite (WAL) or Postgres, brought to this version's schema before anybody uses it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import ConfigError
from meta_pipeline.store.schema import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x4D657461  # any number that nothing else on this Postgres locks


def open_store(url: str) -> sa.Engine:
    """An engine on the control store at SQLAlchemy `url`; its tables are this version's when this returns."""
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError):
        # The text of the exception may hold the password.
        raise ConfigError(
            "META_PIPELINE_STORE_URL is no SQLAlchemy URL: write sqlite:////path/control.sqlite or "
            "postgresql+psycopg2://user:password@host/database"
        ) from None
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _: Any) -> None:
            connection.execute("pragma busy_timeout = 30000")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")

    try:
        with _alone(engine), engine.begin() as connection:
            _upgrade(connection)
    except (sa.exc.OperationalError, OSError) as error:
        where = engine.url.render_as_string(hide_password=True)
        told = str(getattr(error, "orig", error)).strip()
        raise ConfigError(f"the control store {where} can't be opened: {told}") from None
    return engine


@contextlib.contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Two processes that open a new SQLite file together would both create it; Postgres locks in `_upgrade`."""
    if engine.dialect.name != "sqlite" or not engine.url.database or engine.url.database == ":memory:":
        yield
        return
    with Path(engine.url.database + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _upgrade(connection: sa.Connection) -> None:
    if _revision(connection) == REVISION:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise ConfigError(
            f"the control store is at revision {_revision(connection)}, which this version does not know: "
            "install the newer Meta Pipeline that made it"
        ) from None


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("select version_num from alembic_version")).scalar()
