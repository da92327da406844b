"""A tenant's file has all rows of its own nodes, in every schema, and none of other tenants."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meta_pipeline.intake.file import parse_intake
from meta_pipeline.publish.copies.node_columns import NEVER_HELD, OF_ANY_KIND, SHARED, StoredTable
from meta_pipeline.publish.copies.warehouse_copy import stored_tables
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publish import Publication, publish
from meta_pipeline_tests.fakes.two_tenants import NORTH, NOW, SOUTH, TENANTS, build_two_tenants

BOTH = parse_intake(TENANTS, source="tenants.toml").tenants
# The only ids of another tenant: an ad account's own creatives name the Page that they promote.
PROMOTED = {("marts", "social__organic_and_paid", "page_id"), ("intermediate", "int_ads_promoting_pages", "page_id")}
OF_CREATIVES = ("payload", "effective_object_story_id", "page_id")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tenants")
    build_two_tenants(folder)
    return folder


@pytest.fixture
def publication(world: Path) -> Publication:
    return published(world)


def published(world: Path, tenants: str = TENANTS) -> Publication:
    policy = PublishPolicy(tenants=parse_intake(tenants, source="t").tenants, landing=str(world / "landing"))
    return publish(world / "warehouse.duckdb", str(world / "published" / "warehouse.duckdb"), now=NOW, policy=policy)


def connect(file: str | Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(file), read_only=True)


def tables(connection: duckdb.DuckDBPyConnection) -> list[StoredTable]:
    return stored_tables(connection, "warehouse")


def relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return every text column of every table and view."""
    return connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where not internal "
        "and (data_type = 'VARCHAR' or data_type like '%VARCHAR%')").fetchall()


def rows(connection: duckdb.DuckDBPyConnection, place: str) -> Counter[tuple[str, ...]]:
    return Counter(tuple(map(str, row)) for row in connection.execute(f"select * from {place}").fetchall())


def test_every_table_is_assigned_to_nodes_or_shared(world: Path) -> None:
    with connect(world / "warehouse.duckdb") as connection:
        stored = tables(connection)
        names = {name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()}
    # Add a table without a node's column to SHARED, and to nothing else.
    assert [table.place for table in stored if not table.is_assigned] == []
    places = {table.place for table in stored} | {"marts.publication"}
    assert {name.partition(".")[2] for name in NEVER_HELD} | OF_ANY_KIND <= names
    assert SHARED - {"marts.dim_calendar"} <= places


def test_no_text_of_a_tenants_file_names_a_node_of_another_tenant(publication: Publication) -> None:
    assert publication.warnings == ()
    for tenant, foreign in (("north", SOUTH), ("south", NORTH)):
        own = {"north": NORTH, "south": SOUTH}[tenant]
        with connect(publication.tenants[tenant]) as connection:
            mentions: dict[str, set[tuple[str, str, str]]] = {}
            for schema, table, column in relations(connection):
                text = f'select string_agg(distinct cast("{column}" as varchar), chr(10)) from "{schema}"."{table}"'
                values = connection.execute(text).fetchall()[0][0] or ""
                for id in (*own, *foreign):
                    if id.removeprefix("act_") in values:
                        mentions.setdefault(id, set()).add((schema, table, column))
        assert all(len(mentions[id]) > 5 for id in own)
        leaks = {
            place for id in foreign for place in mentions.get(id, ())
            if place not in PROMOTED and not (tenant == "south" and "creative" in place[1] and place[2] in OF_CREATIVES)
        }
        assert leaks == set(), tenant


def test_deleted_or_never_written_bytes_of_another_tenant_are_not_in_the_file(publication: Publication) -> None:
    assert b"name 8100000011" in Path(publication.location).read_bytes()
    assert b"name 8100000011" not in Path(publication.tenants["south"]).read_bytes()


def test_the_rows_of_all_tenants_are_those_of_the_complete_file(publication: Publication) -> None:
    with (
        connect(publication.location) as complete, connect(publication.tenants["north"]) as north,
        connect(publication.tenants["south"]) as south,
    ):
        stored = tables(complete)
        assert [table.place for table in tables(north)] == [table.place for table in stored]
        for table in stored:
            if table.place in ("marts.publication", "raw_meta_pipeline.nodes"):
                continue
            all_rows = rows(complete, table.sql)
            if table.place in SHARED:
                assert rows(north, table.sql) == rows(south, table.sql) == all_rows
            else:
                assert rows(north, table.sql) + rows(south, table.sql) == all_rows, table.place
        for mart in ("facebook_ads__ad_report", "facebook_pages__pages_report", "instagram_business__stories"):
            parts = [rows(connection, f"marts.{mart}") for connection in (north, south)]
            assert all(parts) and parts[0] + parts[1] == rows(complete, f"marts.{mart}")
        # What the southern ad spent on the northern Page is not the northern tenant's.
        paid = "select ads from marts.social__organic_and_paid where page_id = '8100000011' and date_day = '2026-11-01'"
        assert [connection.execute(paid).fetchall() for connection in (complete, north)] == [[(2,)], [(1,)]]


def test_views_and_comments_are_those_of_the_complete_file(publication: Publication) -> None:
    def described(file: str) -> list[Any]:
        with connect(file) as connection:
            return [
                connection.execute(query).fetchall() for query in (
                    "select schema_name, view_name, comment from duckdb_views() where not internal order by all",
                    "select schema_name, table_name, sql, comment from duckdb_tables() order by all",
                    "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() where not internal order by all",
                )
            ]

    assert described(publication.tenants["south"]) == described(publication.location)


def test_thumbnails_are_beside_each_file_that_refers_to_them(publication: Publication, world: Path) -> None:
    for location, ids in ((publication.location, (NORTH, SOUTH)), (publication.tenants["south"], (SOUTH,))):
        folder = Path(location).parent / "thumbnails"
        assert sorted(path.name for path in folder.iterdir()) == [f"{nodes[1]:0>64}.png" for nodes in ids]
        with connect(location) as connection:
            paths = connection.execute("select thumbnail_path from marts.dim_creatives where thumbnail_path is not null").fetchall()
        assert len(paths) == len(ids) and all((Path(location).parent / path).is_file() for (path,) in paths)

    stale = Path(publication.location).parent / "thumbnails" / f"{'a' * 64}.jpg"
    other = stale.with_name("notes.txt")
    for file in (stale, other):
        file.write_text("x")
    published(world)
    assert not stale.exists() and other.exists()
    other.unlink()


def test_a_former_tenants_file_is_removed_and_nothing_else(world: Path) -> None:
    first = published(world)
    folder = Path(first.location).parent
    stranger = folder / "stranger" / "warehouse.duckdb"
    stranger.parent.mkdir()
    shutil.copyfile(first.tenants["south"], stranger)  # its publication names another tenant
    second = published(world, '[tenants.south]\nnodes = ["act_7100000002"]')

    assert second.removed == ("north",) and not (folder / "north").exists()
    assert stranger.exists() and Path(second.tenants["south"]).exists()
    with connect(second.tenants["south"]) as connection:
        assert connection.execute("select node_id from raw_meta_pipeline.nodes").fetchall() == [("act_7100000002",)]
    shutil.rmtree(stranger.parent)


def test_the_status_of_a_node_says_until_when_it_can_be_trusted(publication: Publication) -> None:
    with connect(publication.location) as connection:
        status = {row[0]: row[1:] for row in connection.execute(
            "select node_id, kind, read_until, provisional_until, reconciled_until, worst_open_difference, failed_checks, "
            "is_held_back, last_good_build_id from marts.account_status").fetchall()}
        failures = connection.execute("select check_name, count(*) from marts.fct_check_failures group by all").fetchall()
    day = dt.date(2026, 11, 5)
    assert set(status) == {*NORTH, *SOUTH}
    assert status[NORTH[1]] == ("page", day, day - dt.timedelta(1), None, None, 0, False, publication.build_id)
    assert status[NORTH[0]][:3] == ("ad_account", dt.date(2026, 11, 6), dt.date(2026, 11, 6))
    assert str(status[NORTH[0]][4]) == "10.500000"
    assert failures == [("reconciliation", 4)]  # an error, or a warning while Meta may still change the days
