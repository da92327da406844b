"""Dagster's storage on Postgres: check the setting and the server before Dagster opens it, so that an error is one
sentence that names the setting and shows no password.

Dagster reads the URL from the environment (`env:` in dagster.yaml): no file and no command line has it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from meta_pipeline.records import ConfigError, StoreError

SETTING = "META_PIPELINE_DAGSTER_POSTGRES_URL"
_DRIVER = "postgresql+psycopg2"
_CONNECT_WITHIN_S = 10
# dagster.yaml shows this block as a comment.
_COMMENTED = """\
#storage:
#  postgres:
#    postgres_url:
#      env: META_PIPELINE_DAGSTER_POSTGRES_URL
"""


def with_postgres(dagster_yaml: str) -> str:
    """Return the text of dagster.yaml with its Postgres block switched on."""
    before, block, after = dagster_yaml.partition(_COMMENTED)
    if not block:
        raise ConfigError("dagster.yaml has no commented block for Postgres")
    return before + "".join(line.removeprefix("#") for line in block.splitlines(keepends=True)) + after


def check(url: str, *, store_url: str | None = None) -> None:
    """Connect to the server once.

    Raise ConfigError for a URL that is not of a Postgres database or is that of the control store, StoreError when the
    server refuses the connection."""
    parsed = _parse(url)
    if store_url is not None and _is_same_database(parsed, store_url):
        raise ConfigError(
            f"{SETTING} and META_PIPELINE_STORE_URL name the same database: create a second one for Dagster, because "
            "both have a table alembic_version"
        )
    timeout = {} if "connect_timeout" in parsed.query else {"connect_timeout": _CONNECT_WITHIN_S}
    engine = sa.create_engine(parsed, poolclass=sa.NullPool, connect_args=timeout)
    try:
        engine.connect().close()
    except sa.exc.DBAPIError as error:
        raise _unusable(error, url) from None


@contextlib.contextmanager
def naming_errors(url: str) -> Iterator[None]:
    """Raise StoreError for an error of the server that Dagster raises in this block."""
    from dagster_postgres.utils import DagsterPostgresException

    try:
        yield
    except (sa.exc.DBAPIError, DagsterPostgresException) as error:
        raise _unusable(error, url) from error


def _parse(url: str) -> sa.URL:
    # The texts of SQLAlchemy's exceptions may hold parts of the password.
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername != _DRIVER or not parsed.database or "@" in parsed.database:
        raise ConfigError(
            f"{SETTING} is not a Postgres URL: write {_DRIVER}://user:password@host/database, with %40 for an @ in "
            "the password and %2F for a /"
        )
    return parsed


def _is_same_database(url: sa.URL, store_url: str) -> bool:
    try:
        other = sa.make_url(store_url)
    except (sa.exc.ArgumentError, ValueError):  # the control store reports it when it is opened
        return False
    if other.get_backend_name() != "postgresql":
        return False
    return (url.host, url.port or 5432, url.database, url.query) == (
        other.host, other.port or 5432, other.database, other.query
    )


def _unusable(error: BaseException, url: str) -> StoreError:
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause, sa.exc.DBAPIError):
        cause = cause.__cause__
    text = " ".join(str(getattr(cause, "orig", None) or cause).split())
    password = _parse(url).password
    if password:
        text = text.replace(str(password), "***")
    return StoreError(f"Dagster's storage can't be used: {text}; check the Postgres server and {SETTING}")
