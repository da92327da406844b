"""A warehouse file that was lost, replaced or restored from an older copy is loaded again from the landed files."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from harness.landing.filled_home import DAYS, NOW, FilledHome
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.publish import freshness
from meta_pipeline.publish.publish import publish
from meta_pipeline.records import LoadError
from meta_pipeline.store.landed import load_queue, warehouse_state
from meta_pipeline.warehouse.completeness import DifferingDay, repair_sentences
from meta_pipeline.warehouse.warehouse import Warehouse


@pytest.fixture
def home(tmp_path: Path) -> FilledHome:
    home = FilledHome(tmp_path / "home")
    home.fill(generation=1)
    home.load()
    shutil.copy(home.warehouse.file, tmp_path / "older.duckdb")
    home.fill(generation=2)
    home.load()
    return home


def deleted(home: FilledHome) -> None:
    home.warehouse.file.unlink()


def restored(home: FilledHome) -> None:
    shutil.copy(home.path.parent / "older.duckdb", home.warehouse.file)


def rows_deleted(home: FilledHome) -> None:
    with home.warehouse.open() as connection:
        connection.execute(f"delete from raw_meta_ads.ad_insights where day = '{DAYS[0]}'")


def older_version_of_this_program(home: FilledHome) -> None:
    restored(home)
    with home.warehouse.open() as connection:
        connection.execute("drop table raw_meta_pipeline.warehouse_state")
    with home.engine.begin() as connection:
        connection.execute(sa.text("delete from warehouse_state"))


@pytest.mark.parametrize("lose", [deleted, restored, rows_deleted])
def test_a_load_restores_everything_that_a_warehouse_lost(home: FilledHome, lose: Callable[[FilledHome], None]) -> None:
    before = home.everything()
    assert all(before.values())
    lose(home)
    with pytest.raises(LoadError, match="meta-pipeline build"):  # it is not published in this state
        home.warehouse.check_complete(home.engine)

    home.load()

    assert home.everything() == before
    home.warehouse.check_complete(home.engine)
    assert home.load() == 0  # nothing is left to load


def test_a_load_names_the_days_that_it_repairs(home: FilledHome) -> None:
    with home.warehouse.open() as connection:
        connection.execute(f"delete from raw_meta_ads.ad_insights where day = '{DAYS[0]}'")
        connection.execute(f"insert into raw_meta_ads.ad_insights from raw_meta_ads.ad_insights where day = '{DAYS[1]}'")
        connection.execute("delete from raw_meta_ads.ad_insights_versions")

    assert home.warehouse.load(home.engine, now=home.at).repaired == (
        "ad_insights of act_1 on 2026-11-01 had 0 rows in the warehouse, 1 were read: loaded again",
        "ad_insights of act_1 on 2026-11-02 had 2 rows in the warehouse, 1 were read: loaded again",
    )
    assert home.warehouse.load(home.engine, now=home.at).repaired == ()
    differing = [DifferingDay(("ad_insights", "act_1", DAYS[0]), 2, 2)] * 22
    assert repair_sentences(differing)[19:] == (
        "ad_insights of act_1 on 2026-11-01 lacked rows of an earlier version: loaded again",
        "2 more days differed from the ledger: loaded again",
    )


def test_a_lost_day_and_a_duplicated_one_with_as_many_rows_are_both_noticed(home: FilledHome) -> None:
    with home.warehouse.open() as connection:  # the rows of the month are as many as before, and so are its versions
        connection.execute(f"delete from raw_meta_ads.ad_insights where day = '{DAYS[0]}'")
        connection.execute(f"insert into raw_meta_ads.ad_insights from raw_meta_ads.ad_insights where day = '{DAYS[1]}'")

    assert [sentence[:36] for sentence in home.warehouse.load(home.engine, now=home.at).repaired] == [
        "ad_insights of act_1 on 2026-11-01 h", "ad_insights of act_1 on 2026-11-02 h",
    ]


def test_rows_that_an_upgraded_home_lacks_are_loaded_again(home: FilledHome) -> None:
    before = home.everything()["rows"]
    older_version_of_this_program(home)

    home.load()

    assert home.everything()["rows"] == before
    home.warehouse.check_complete(home.engine)


def test_another_homes_file_is_refused_until_a_reload_is_requested(home: FilledHome, tmp_path: Path) -> None:
    before, other = home.everything(), FilledHome(tmp_path / "other", "act_2")
    other.fill(generation=5)
    other.load()
    shutil.copy(other.warehouse.file, home.warehouse.file)

    with pytest.raises(LoadError, match=r"another home.*rebuild"):
        home.load()
    with pytest.raises(LoadError, match="nothing was published"):
        home.warehouse.check_complete(home.engine)
    warehouse_state.request_reload(home.engine)
    home.load()

    assert home.everything() == before
    with duckdb.connect(str(home.path / "warehouse.duckdb.replaced"), read_only=True) as connection:
        assert connection.execute("select distinct node_id from raw_meta_ads.ad_insights").fetchall() == [("act_2",)]


@pytest.mark.parametrize("content", [b"", b"no database", None], ids=["empty", "garbage", "truncated"])
def test_a_damaged_file_is_repaired_as_its_message_says(home: FilledHome, content: bytes | None) -> None:
    before, file = home.everything(), home.warehouse.file
    file.write_bytes(file.read_bytes()[:5000] if content is None else content)

    with pytest.raises(LoadError, match="meta-pipeline rebuild"):
        home.load()
    warehouse_state.request_reload(home.engine)
    home.load()

    assert home.everything() == before
    home.warehouse.check_complete(home.engine)


def test_a_path_that_contains_lock_is_not_mistaken_for_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "clock" / "warehouse.duckdb"
    file.parent.mkdir()
    file.write_bytes(b"no database")

    with pytest.raises(LoadError, match="damaged or not a DuckDB file"), Warehouse(file, ()).open():
        pass


def test_a_reload_keeps_the_calls_that_the_audit_has_deleted(home: FilledHome) -> None:
    with home.warehouse.open() as connection:
        connection.execute(
            "insert into raw_meta_pipeline.graph_calls values ('2025-01-01', 'act_1', 'ad_insights', 7, 7, 7, 0, 1, 1)"
        )
    warehouse_state.request_reload(home.engine)
    home.load()

    with home.warehouse.open() as connection:
        assert connection.execute("select calls from raw_meta_pipeline.graph_calls").fetchall() == [(7,)]


def test_a_reload_waits_for_a_process_that_writes_the_file(home: FilledHome) -> None:
    program = f"import duckdb; c = duckdb.connect({str(home.warehouse.file)!r}); print(1, flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout and writer.stdout.readline()
        warehouse_state.request_reload(home.engine)
        with pytest.raises(LoadError, match="another process writes it"):
            home.load()
    finally:
        writer.communicate("\n")

    assert home.load() > 0


KILLED = """
import datetime as dt, os, sys
from pathlib import Path
from harness.landing.filled_home import DAYS, FilledHome
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse import warehouse as module

home = FilledHome(Path(sys.argv[1]))
home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "77"})
where = sys.argv[2]
if where == "before the file":
    start_load = warehouse_state.start_load
    warehouse_state.start_load = lambda *a, **k: (start_load(*a, **k), os._exit(9))
elif where == "before the ledger":
    module.load_queue.mark_loaded = lambda *a, **k: os._exit(9)
else:
    warehouse_state.finish_load = lambda *a, **k: os._exit(9)
home.load()
"""


@pytest.mark.parametrize("where", ["before the file", "before the ledger", "before the control store"])
def test_a_kill_between_the_two_commits_causes_no_full_reload(home: FilledHome, where: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home.path), where], env={**os.environ})
    assert killed.returncode == 9

    again = home.load()

    assert again == (0 if where == "before the control store" else 1)
    assert home.everything()["rows"][0] == ("act_1", DAYS[0], "1", "77")
    home.warehouse.check_complete(home.engine)
    assert home.load() == 0


def test_an_empty_landing_folder_empties_no_warehouse(home: FilledHome) -> None:
    before = home.everything()
    away = Path(home.landing.root).rename(home.path / "not mounted")
    restored(home)
    with pytest.raises(LoadError, match=r"none of the .* landed files can be read"):
        home.load()
    with pytest.raises(LoadError, match="nothing was published"):
        home.warehouse.check_complete(home.engine)

    away.rename(home.landing.root)
    home.load()
    assert home.everything() == before


def test_a_publication_is_current_until_something_changes(home: FilledHome, tmp_path: Path) -> None:
    published = tmp_path / "published" / "warehouse.duckdb"

    def is_published(digest: str = "d") -> bool:
        return freshness.is_published(home.warehouse, home.engine, str(published), digest=digest)

    def build() -> None:
        home.load()
        warehouse_state.record_marts(home.engine, load_id=warehouse_state.find(home.engine).load_id, digest="d")
        publish(home.warehouse.file, str(published), now=NOW)
        warehouse_state.record_publication(home.engine, size=published.stat().st_size, at=NOW)

    assert not is_published()
    build()
    assert is_published() and not is_published("of another project")
    home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "2", "odd": 1})  # read again without a change
    assert not load_queue.waiting_files(home.engine) and not is_published()
    build()
    published.write_bytes(b"else")
    assert not is_published()
    build()
    deleted(home)
    assert not is_published()
    build()
    assert is_published()
    warehouse_state.request_reload(home.engine)
    assert not is_published()


def test_the_digest_of_a_build_depends_on_the_project_the_reports_and_the_day(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    (project / "models").mkdir(parents=True)
    (project / "models" / "a.sql").write_text("select 1")
    tables = insights_tables(REPORTS.values())

    def digest(day: dt.date = DAYS[0], *, fewer: int = 0) -> str:
        return freshness.digest_of(tables[fewer:], today=day, project=project)

    first = digest()
    (project / "target").mkdir()
    (project / "target" / "made_by_dbt").write_text("x")
    assert digest() == first
    assert len({first, digest(DAYS[1]), digest(fewer=1)}) == 3
    (project / "models" / "a.sql").write_text("select 2")
    assert digest() != first
