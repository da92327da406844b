"""A store of any earlier version opens at the current schema, on SQLite and on a real Postgres."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from meta_pipeline.records import ConfigError, StoreError
from meta_pipeline.store.engine import MIGRATIONS, open_store
from meta_pipeline.store.landed import listing_sweeps
from meta_pipeline.store.pulls import report_sizes

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def test_the_migrations_make_exactly_the_schema(engine: sa.Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from meta_pipeline.store.schema.current import REVISION, metadata

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)

        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_a_store_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = 'from-tomorrow'"))

    with pytest.raises(ConfigError, match="from-tomorrow"):
        open_store(engine.url.render_as_string(hide_password=False))


def test_processes_that_open_a_new_store_together_all_find_it_complete(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    program = "import sys; from meta_pipeline.store.engine import open_store; open_store(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(4)]

    assert [process.wait(timeout=60) for process in started] == [0] * 4


@pytest.mark.parametrize("url", ["nonsense", "oracle+none://u:hunter2@h/x", "sqlite:////nowhere/at/all/control.sqlite"])
def test_a_store_that_can_not_be_opened_is_reported_without_its_password(url: str) -> None:
    with pytest.raises((ConfigError, StoreError)) as caught:
        open_store(url)

    assert "hunter2" not in str(caught.value)


def test_a_store_of_the_schema_before_the_renaming_of_tables_opens_with_its_rows(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0012")
        assert {"learned_sizes", "listings"} <= set(sa.inspect(connection).get_table_names())
        connection.execute(sa.text("insert into learned_sizes (node_id, report, page) values ('act_1', 'ads', 2000)"))
        connection.execute(
            sa.text("insert into listings (node_id, kind, swept_at, asked) values ('act_1', 'ads', :at, 'digest')"),
            {"at": NOW if engine.dialect.name == "postgresql" else "2026-11-20 12:00:00.000000"},
        )

    opened = open_store(engine.url.render_as_string(hide_password=False))

    assert report_sizes.get(opened, node_id="act_1", report="ads")["page"] == 2000
    assert listing_sweeps.swept_at(opened, node_id="act_1", kind="ads", request_digest="digest") == NOW
    assert not {"learned_sizes", "listings"} & set(sa.inspect(opened).get_table_names())
    opened.dispose()
