"""Readers are never blocked by a lock and never see half a build, and a kill leaves the previous publication."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from harness.landing.published_readers import PublishedReaders
from meta_pipeline.files.temporary import discard_left_behind_of
from meta_pipeline.intake.file import parse_intake
from meta_pipeline.publish.policy import PublishPolicy, is_applied
from meta_pipeline.publish.publication import COLUMNS
from meta_pipeline.publish.publish import publish
from meta_pipeline.records import LoadError
from meta_pipeline_tests.fakes.small_warehouse import NOW, SmallWarehouse

POLICY = PublishPolicy(tenants=parse_intake('[tenants.north]\nnodes = ["act_71", "81"]', source="t").tenants)
STAMPS = """
select stamp from raw_meta_ads.ad_insights union select stamp from intermediate.int_ad_days
union select stamp from marts.facebook_ads__ad_report union select stamp from marts.facebook_pages__pages_report
union select stamp from marts.dim_calendar
"""


def test_every_answer_of_four_processes_belongs_to_one_of_twenty_builds(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    publication = publish(warehouse.file, warehouse.published, now=NOW, policy=POLICY)
    stamps = {publication.build_id: 0}
    locations = [warehouse.published, publication.tenants["north"]]
    with PublishedReaders(locations, ["select build_id from marts.publication", STAMPS]) as readers:
        for stamp in range(1, 21):
            readers.read()
            warehouse.build(stamp)
            stamps[publish(warehouse.file, warehouse.published, now=NOW, policy=POLICY).build_id] = stamp
            readers.read()
        readers.read()  # the previous queries may have begun before the last publication

    assert {answer[0][0][0] for answer in readers.answers} == set(stamps) and len(stamps) == 21
    assert [answer for answer in readers.answers if answer[1] != [[stamps[answer[0][0][0]]]]] == []


# The function that kills the process at each step of a publication.
KILLS = {
    "before the copy is synced": "os.fsync",
    "before the complete file has its name": "pathlib.Path.replace",
    "while rows of a held account are replaced": "meta_pipeline.publish.publish.record_publications",
    "between the complete file and the tenant's": "meta_pipeline.publish.publish.publish_tenants",
    "while a tenant's file is written": "meta_pipeline.publish.copies.tenant_file.copy_comments",
}
PUBLISH = """
import importlib, json, os, signal, sys
from unittest import mock
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publish import publish
from meta_pipeline.intake.file import parse_intake
from meta_pipeline_tests.fakes.small_warehouse import NOW
from pathlib import Path
def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
file, published, step = sys.argv[1:]
policy = PublishPolicy(tenants=parse_intake('[tenants.north]\\nnodes = ["act_71", "81"]', source="t").tenants, holds_failed=True)
with mock.patch(step, kill):
    publish(Path(file), published, now=NOW, policy=policy)
"""


@pytest.mark.parametrize("step", KILLS)
def test_a_kill_leaves_whole_files_and_the_next_publication_completes_them(tmp_path: Path, step: str) -> None:
    policy = PublishPolicy(tenants=POLICY.tenants, holds_failed=True)
    warehouse = SmallWarehouse(tmp_path)
    first = publish(warehouse.file, warehouse.published, now=NOW, policy=policy)
    warehouse.build(1, failing=("act_71",))
    ran = subprocess.run([sys.executable, "-c", PUBLISH, str(warehouse.file), warehouse.published, KILLS[step]], stderr=subprocess.PIPE)
    assert ran.returncode == -signal.SIGKILL, ran.stderr

    for file in (warehouse.published, first.tenants["north"]):
        with duckdb.connect(file, read_only=True) as connection:
            assert len(connection.execute("select build_id from marts.publication").fetchall()) == 1
            assert connection.execute("select stamp from marts.facebook_ads__ad_report where account_id = '71'").fetchall() == [(0,)]
    # The first build, or an incomplete second one, which the next build publishes again.
    is_first = not step.startswith(("between", "while a tenant's"))
    assert is_applied(warehouse.published, policy) is is_first

    second = publish(warehouse.file, warehouse.published, now=NOW, policy=policy)
    assert is_applied(warehouse.published, policy) and second.build_id != first.build_id
    discard_left_behind_of(warehouse.published)
    folders = [Path(file).parent for file in (warehouse.published, second.tenants["north"])]
    assert [path.name for folder in folders for path in folder.iterdir() if path.is_file()] == ["warehouse.duckdb"] * 2


def test_a_publication_states_its_build_versions_and_days(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.change(
        "insert into raw_meta_pipeline.day_versions (report, node_id, day) values "
        "('ad_insights', 'act_71', '2026-11-01'), ('ad_insights', 'act_72', '2026-11-05'), ('page_insights', '81', '2026-10-31')")
    policy = PublishPolicy(pins={"graph": "v24.0", "marketing": "v26.0"}, tenants=POLICY.tenants)
    publication = publish(warehouse.file, warehouse.published, now=NOW, policy=policy)

    with duckdb.connect(warehouse.published, read_only=True) as connection:
        result = connection.execute("select * exclude (loaded_at), built_at::varchar from marts.publication")
        names = [column[0] for column in result.description]
        row = dict(zip(names, result.fetchall()[0], strict=True))
        comments = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'publication' order by column_index").fetchall()
    assert row["build_id"] == publication.build_id and row["tenant"] is None
    assert (row["graph_version"], row["marketing_version"], row["package_version"]) == ("v24.0", "v26.0", "0.1.0")
    assert [str(row[name]) for name in ("ads_since", "ads_until", "pages_since", "pages_until", "instagram_until")] == [
        "2026-11-01", "2026-11-05", "2026-10-31", "2026-10-31", "None"]
    assert (row["nodes"], row["held_back_nodes"], row["settings_digest"]) == (4, 0, policy.digest)
    assert comments == [(name, comment) for name, (_, comment) in COLUMNS.items()]
    with duckdb.connect(publication.tenants["north"], read_only=True) as connection:
        assert connection.execute("select build_id, tenant, nodes, ads_until::varchar from marts.publication").fetchall() == [
            (publication.build_id, "north", 2, "2026-11-01")]


def test_nothing_is_published_while_another_process_writes_the_warehouse(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    publish(warehouse.file, warehouse.published, now=NOW)
    before = Path(warehouse.published).read_bytes()
    writer = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()",
         str(warehouse.file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None and writer.stdout.readline() == "open\n"
        with pytest.raises(LoadError, match=r"can't publish .*[Ll]ock"):
            publish(warehouse.file, warehouse.published, now=NOW)
    finally:
        writer.communicate("")
    assert Path(warehouse.published).read_bytes() == before


def test_a_publication_is_applied_while_settings_and_files_are_unchanged(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    assert not is_applied(warehouse.published, POLICY)
    publish(warehouse.file, warehouse.published, now=NOW, policy=POLICY)

    assert is_applied(warehouse.published, POLICY)
    assert not is_applied(warehouse.published, PublishPolicy())
    Path(warehouse.published).with_name("north").joinpath("warehouse.duckdb").unlink()
    assert not is_applied(warehouse.published, POLICY)
