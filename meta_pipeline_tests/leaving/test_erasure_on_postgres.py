"""An erasure where the control store and Dagster's storage are databases of a real Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from harness.home import make_home
from harness.kills.planted_home import AROHA, AROHA_NAME, PERSON, TENANTS, files_that_mention, forget
from harness.sandbox import Sandbox
from meta_pipeline.defs.postgres import SETTING
from meta_pipeline_tests.fakes.postgres import Postgres, running_postgres

THEIRS, OURS = "act_1000000005", "act_1000000001"
DAY = ("--since", "2026-11-18", "--until", "2026-11-18", "--report", "account_insights", "--no-build")
DATABASES = ("dagster", "control")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Path]]:
    folder = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder, *DATABASES) as server:
        yield server, folder


def rows_of(url: str) -> dict[str, list[str]]:
    """Return every row of every table of a database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    names = sa.inspect(engine).get_table_names()
    with engine.connect() as connection:
        return {name: list(map(repr, connection.exec_driver_sql(f'select * from "{name}"').all())) for name in names}


def mentioning(server: Postgres, words: tuple[str, ...]) -> set[str]:
    """Return the tables of both databases in which a row holds one of these words."""
    return {
        f"{database}.{table}"
        for database in DATABASES for table, rows in rows_of(server.url(database)).items()
        if any(word in row for row in rows for word in words)
    }


def files_mentioning(folder: Path, words: tuple[str, ...]) -> list[str]:
    """Return the files of tables and indexes that hold one of these words, without the write-ahead log."""
    contents = ((file, file.read_bytes()) for file in (folder / "base").rglob("*") if file.is_file())
    return [str(file) for file, content in contents if any(word.encode() in content for word in words)]


def checkpoint(server: Postgres) -> None:
    """Make the server write its memory to disk and remove replaced data: the files of rewritten tables and old versions
    of its statistics, which it would otherwise remove later."""
    for database in DATABASES:
        url = f"postgresql+psycopg2://postgres@/{database}?host={quote(server.folder, safe='')}"
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("vacuum full pg_catalog.pg_statistic")
            connection.exec_driver_sql("checkpoint")


def plant_events(url: str, words: tuple[str, ...]) -> None:
    """Insert events with these words into the history of a run that stays, like those of a run of several nodes."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for word in words:
            connection.execute(
                sa.text(
                    "insert into event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition) "
                    "select run_id, :event, dagster_event_type, timestamp, step_key, asset_key, null from event_logs "
                    "where partition is null order by id desc limit 1"
                ),
                {"event": json.dumps({"message": f"reads {word} now"})},
            )


def test_an_erased_customer_is_in_no_row_and_no_file_of_postgres_and_others_stay(
    tmp_path: Path, shared_sandbox: Sandbox, postgres: tuple[Postgres, Path]
) -> None:
    server, folder = postgres
    (tmp_path / "tenants.toml").write_text(TENANTS)
    urls = {"META_PIPELINE_STORE_URL": server.url("control"), SETTING: server.url("dagster")}
    home = make_home(tmp_path, shared_sandbox, META_PIPELINE_TENANTS=str(tmp_path / "tenants.toml"), **urls)
    connect = ("connect", "--token-stdin", "--kind", "system-user")
    assert home.run(*connect, stdin=shared_sandbox.app["system_user_token"]).returncode == 0
    for command in (("invite", "--tenant", "aroha"), *(("backfill", "--node", node, *DAY) for node in (THEIRS, OURS))):
        ran = home.run(*command)
        assert ran.returncode == 0, ran.stderr
    plant_events(server.url("dagster"), AROHA)
    checkpoint(server)
    assert mentioning(server, AROHA) >= {
        "dagster.run_tags", "dagster.event_logs", "dagster.dynamic_partitions",
        "control.node_links", "control.node_versions", "control.link_changes", "control.business_assets", "control.landed_files",
    }
    assert files_mentioning(folder, (AROHA_NAME,))

    result = forget(home, "aroha")

    checkpoint(server)
    assert mentioning(server, AROHA) == set() and rows_of(server.url("control"))["invitations"] == []
    assert files_mentioning(folder, AROHA) == []
    assert files_that_mention(Path(home.environment["META_PIPELINE_HOME"]), AROHA) == {}
    assert home.run("receipt", "verify", result["receipt"]).returncode == 0
    tags = rows_of(server.url("dagster"))["run_tags"]
    assert any(OURS.removeprefix("act_") in row for row in tags), "the other customer's runs stay"
    again = home.run("backfill", "--node", OURS, *DAY)  # Dagster can still write to its database
    assert again.returncode == 0, again.stderr
    assert home.run("forget", PERSON, "--json").returncode != 0  # nobody of that id is connected
