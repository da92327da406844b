"""Dagster's files are held open: no event opens them again, and Dagster's own storages read what they contain."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef

from harness.partitions import node_ids, run
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs import home as homes
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.partitions import AD_ACCOUNTS


@pytest.fixture
def opened_files() -> Iterator[Counter[str]]:
    """Count how often each SQLite file was opened through SQLAlchemy, by its name."""
    counted: Counter[str] = Counter()

    def count(connection: sqlite3.Connection, _: object) -> None:
        counted[Path(connection.execute("pragma database_list").fetchone()[2]).name] += 1

    sa.event.listen(sa.engine.Engine, "connect", count)
    yield counted
    sa.event.remove(sa.engine.Engine, "connect", count)


def events_of(instance: dg.DagsterInstance) -> list[list[tuple[object, ...]]]:
    """Return every event of every run, oldest run first."""
    return [
        [(entry.dagster_event.event_type, entry.dagster_event.partition, entry.message)
         for entry in instance.all_logs(run.run_id) if entry.dagster_event]
        for run in reversed(list(instance.get_runs()))
    ]


def test_a_run_over_thirty_days_opens_its_file_once_and_the_others_not_at_all(
    runtime: Runtime, opened_files: Counter[str]
) -> None:
    with homes.instance(runtime.settings, is_captured=False) as opened:
        opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(2))
        run(opened, runtime, node_ids(2)[0])
        opened_files.clear()
        run(opened, runtime, node_ids(2)[1])

        (newest,) = opened.get_runs(limit=1)
        assert opened_files == {f"{newest.run_id}.db": 1}


def test_dagsters_own_storages_read_every_event_and_continue_with_the_files(runtime: Runtime) -> None:
    accounts = node_ids(10)  # more runs than files are held open for
    with homes.instance(runtime.settings, is_captured=False) as opened:
        opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), accounts)
        for node_id in accounts[:-1]:
            run(opened, runtime, node_id, days=3)
        written = events_of(opened)
        own = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(runtime.settings.root / "dagster")))
        assert events_of(own) == written  # while the files are held open
        with own:
            run(own, runtime, accounts[-1], days=3)
        read = events_of(opened)
        green = opened.get_materialized_partitions(landing_key("ad_insights"))

    assert read[:-1] == written and len(green) == len(accounts) * 3
    types = Counter(event_type for event_type, _, _ in written[-1])
    assert types == Counter(event_type for event_type, _, _ in read[-1])
    assert types[dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED] == 3
    assert types[dg.DagsterEventType.ASSET_MATERIALIZATION] == 3


def test_an_instance_with_a_configured_storage_keeps_it(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {tmp_path}/elsewhere}}}}")
    (tmp_path / "workspace.yaml").write_text("load_from: []")
    monkeypatch.setattr(homes, "project_folder", lambda: tmp_path)
    with homes.instance(runtime.settings):
        pass

    assert (tmp_path / "elsewhere" / "history" / "runs.db").exists()
    assert not (runtime.settings.root / "dagster" / "history").exists()
