"""Opening the control store, SQLite (WAL) or Postgres, and upgrading it to this version's schema."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import ConfigError, StoreError
from meta_pipeline.store.lost_file import notice_lost_file
from meta_pipeline.store.schema.current import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x4D657461  # an arbitrary number that nothing else locks on this Postgres


def open_store(url: str) -> sa.Engine:
    """Return an engine for the control store at this SQLAlchemy URL, upgraded to this version's schema."""
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError):
        # The text of the exception may hold the password.
        raise ConfigError(
            "META_PIPELINE_STORE_URL is not a SQLAlchemy URL: write sqlite:////path/control.sqlite or "
            "postgresql+psycopg2://user:password@host/database"
        ) from None
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _: Any) -> None:
            connection.execute("pragma busy_timeout = 30000")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")

    name_errors(engine, "the control store")
    try:
        with _alone(engine), engine.begin() as connection:
            _upgrade(connection)
    except OSError as error:
        raise StoreError(_sentence("the control store", engine.url, error)) from None
    except sa.exc.OperationalError as error:  # raised by SQLAlchemy itself, before a connection exists
        raise StoreError(_sentence("the control store", engine.url, error)) from None
    notice_lost_file(engine)
    return engine


def name_errors(engine: sa.Engine, name: str) -> None:
    """Raise every error of the disk, the file or the server behind an engine as a StoreError: one sentence with the
    place, the cause and what to do. Errors of a statement (a duplicate key) stay as they are."""

    @sa.event.listens_for(engine, "handle_error")
    def _named(context: sa.engine.ExceptionContext) -> None:
        if is_of_storage(context.original_exception):
            raise StoreError(_sentence(name, engine.url, context.original_exception)) from context.original_exception


@contextlib.contextmanager
def naming_errors(name: str, place: Path) -> Iterator[None]:
    """Raise a storage error of a library's own engine in this block as a StoreError that names the place."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not is_of_storage(error.orig):
            raise
        raise StoreError(f"{name} {place} can't be read or written: {_with_remedy(str(error.orig))}") from error


def is_of_storage(error: BaseException | None) -> bool:
    """Return True for an error of the database's file, disk or server."""
    if isinstance(error, sqlite3.DatabaseError):  # of a statement too, such as a table that does not exist
        return any(word in str(error).lower() for words, _ in _REMEDIES for word in words)
    kinds = type(error).__mro__
    return any(kind.__module__.startswith("psycopg2") and kind.__name__ == "OperationalError" for kind in kinds)


def storage_error(error: BaseException) -> StoreError | None:
    """Return the StoreError for a storage error, or for the storage error that caused this one; None for any other
    error."""
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, StoreError):
            return current
        if isinstance(current, sa.exc.DBAPIError) and is_of_storage(current.orig):
            if not isinstance(current.orig, sqlite3.Error):  # Dagster's engine: other engines raise StoreErrors
                cause = " ".join(str(current.orig).split())
                return StoreError(
                    f"Dagster's storage can't be used: {cause}; check the Postgres server and "
                    "META_PIPELINE_DAGSTER_POSTGRES_URL"
                )
            return StoreError(f"a database under this home can't be read or written: {_with_remedy(str(current.orig))}")
        if isinstance(current, OSError) and current.errno and current.filename:
            return StoreError(_with_remedy(f"{current.filename}: {current.strerror}", current.strerror))
        current = current.__cause__ or current.__context__
    return None


_REMEDIES = (
    (("full", "no space left"), "free space, then run it again"),
    (("readonly", "read-only", "permission denied", "unable to open"), "check who may write to its folder"),
    (("locked",), "another process has locked it: wait until that one ends, then run it again"),
    (("malformed", "not a database"), "it is damaged: restore it from a backup, or move it away to start afresh"),
    (("i/o error", "input/output"), "check the disk, then run it again"),
)


def _sentence(name: str, url: sa.URL, error: BaseException) -> str:
    where = url.database if url.drivername.startswith("sqlite") else url.render_as_string(hide_password=True)
    cause = str(getattr(error, "orig", error)).strip() or type(error).__name__
    words = error.strerror if isinstance(error, OSError) else None
    return f"{name} {where} can't be read or written: {_with_remedy(' '.join(cause.split()), words)}"


def _with_remedy(cause: str, text: str | None = None) -> str:
    """Return a cause with its remedy, chosen by the words of `text` (the cause without its paths)."""
    for words, remedy in _REMEDIES:
        if any(word in (text or cause).lower() for word in words):
            return f"{cause}; {remedy}"
    return cause


def check_store_is_there(url: str, *, holding_data: Sequence[str]) -> None:
    """Raise ConfigError when the control store is an SQLite file that is missing or empty while the places whose
    content it lists hold data: it was lost, and a new one would list nothing."""
    if not url.startswith("sqlite:///"):
        return
    file = Path(url.removeprefix("sqlite:///"))
    if file.exists() and file.stat().st_size:
        return
    if holding_data:
        raise ConfigError(
            f"the control store {file} is {'empty' if file.exists() else 'missing'}, but {holding_data[0]} holds data "
            "of this home: restore it from a backup, or move the home away to start with a new one"
        )


@contextlib.contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Lock the SQLite file: two processes that open a new one together would both create it. Postgres locks in
    `_upgrade`."""
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
