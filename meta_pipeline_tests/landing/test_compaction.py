"""Finished months become one file each, and reading them returns the same rows as before."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.landing.compacted_landing import ENVELOPE, NOW, CompactedLanding, killed_at
from meta_pipeline.landing import cold, orphans
from meta_pipeline.landing.compaction import first_hot_day
from meta_pipeline.landing.totals import totals_of
from meta_pipeline.records import SNAPSHOT_DAY
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import ledger, load_queue
from meta_pipeline.store.schema.landed import landed_versions

COLD_DAY = dt.date(2026, 8, 30)


@pytest.fixture
def landing(tmp_path: Path) -> CompactedLanding:
    landing = CompactedLanding(tmp_path / "place")
    landing.fill()
    return landing


def find(landing: CompactedLanding, day: dt.date = COLD_DAY) -> str:
    file = ledger.find(landing.engine, report="ad_insights", node_id="act_1", day=day)
    assert file
    return file.path


def test_a_month_is_compacted_as_a_whole_once_its_last_day_is_out_of_the_hot_zone() -> None:
    assert first_hot_day(dt.date(2026, 11, 5), 35) == dt.date(2026, 10, 1)  # all of September is older
    assert first_hot_day(dt.date(2026, 11, 4), 35) == dt.date(2026, 9, 1)


def test_a_compaction_leaves_one_file_a_month_and_changes_no_row_and_no_envelope(landing: CompactedLanding) -> None:
    before = landing.contents()

    result = landing.compact(days_later=60)

    assert landing.contents() == before
    assert landing.on_disk() == [
        *(f"ad_insights/act_1/2026-{month}.parquet" for month in ("08", "09", "11")),
        "ad_insights/act_1/versions/2026-11.parquet", "campaigns/act_1/1970-01-01.parquet",
        "campaigns/act_1/versions/2026-11.parquet",
    ]
    assert (result.compacted.hot_files, result.compacted.cold_files) == (7, 5)
    assert result.compacted.problems == () and result.busy == ()
    assert landing.compact(days_later=60).compacted.hot_files == 0  # nothing is left to compact


def test_days_and_versions_in_the_hot_zone_stay_hot(landing: CompactedLanding) -> None:
    result = landing.compact()

    assert (result.compacted.hot_files, result.compacted.cold_files) == (4, 2)
    assert find(landing, dt.date(2026, 11, 19)).endswith("/2026-11-19.parquet")
    assert sum("versions/" in name for name in landing.on_disk()) == 2


def test_a_cold_file_lists_its_days_and_the_request_of_each(landing: CompactedLanding) -> None:
    days = {file.day: file for file in landing.files() if file.day.month == 8}
    landing.compact()

    held = cold.held_in(find(landing))

    assert [(each.day, each.rows, each.digest, each.landed_at) for each in held] == [
        (day, file.rows, file.digest, file.landed_at) for day, file in days.items()
    ]
    assert json.loads(held[0].request) == {"report": "ad_insights", "until": "2026-08-02"}
    columns = pq.read_schema(find(landing)).names
    assert set(ENVELOPE) | {"_report", "_request"} == set(columns)


def test_a_day_that_is_read_again_shadows_its_cold_copy_until_it_is_folded_in(landing: CompactedLanding) -> None:
    landing.compact()
    cold_file, before = find(landing), landing.contents()
    loaded = load_queue.waiting_files(landing.engine)
    load_queue.mark_loaded(landing.engine, loaded, now=NOW)

    landing.land(COLD_DAY, {"ad_id": "1", "spend": "7"}, {"ad_id": "2", "spend": "1"})  # the same
    assert find(landing) == cold_file and load_queue.waiting_files(landing.engine) == []
    assert totals_of(cold_file, COLD_DAY) == {"spend": 8.0}

    again = landing.land(COLD_DAY, {"ad_id": "1", "spend": "9"})
    assert find(landing) == again.path != cold_file
    assert [file.path for file in load_queue.waiting_files(landing.engine)] == [again.path]
    shadowing = landing.contents()
    former = next(key for key in shadowing if key not in before and key[0] == "landed_versions")
    assert shadowing[former] == next(rows for key, rows in before.items() if key[3:] == former[3:])

    landing.compact()
    assert find(landing) == cold_file and landing.contents() == shadowing
    assert not Path(again.path).exists()


def test_a_changed_name_in_a_cold_day_is_no_restatement(landing: CompactedLanding) -> None:
    landing.compact()
    first = ledger.find(landing.engine, report="ad_insights", node_id="act_1", day=COLD_DAY)
    rows = [{"ad_id": "1", "spend": "7", "ad_name": "new"}, {"ad_id": "2", "spend": "1"}]
    versions = len(landing.files(landed_versions))

    landing.land(COLD_DAY, *rows)

    again = ledger.find(landing.engine, report="ad_insights", node_id="act_1", day=COLD_DAY)
    assert first and again and again.landed_at == first.landed_at and again.digest != first.digest
    assert len(landing.files(landed_versions)) == versions
    assert "new" in landing.contents()["landed_files", "ad_insights", "act_1", COLD_DAY, again.landed_at][0][3]


def test_a_hot_file_that_differs_from_the_ledger_stays_hot_and_is_named(landing: CompactedLanding) -> None:
    path = Path(find(landing))
    table = pq.read_table(path)
    payload = table.column_names.index("payload")
    damaged = table.set_column(payload, "payload", [[text.replace("7", "8") for text in table["payload"].to_pylist()]])
    pq.write_table(damaged.replace_schema_metadata(pq.read_schema(path).metadata), path)

    result = landing.compact()

    (problem,) = result.compacted.problems
    assert str(path) in problem and "does not match the ledger" in problem
    assert find(landing) == str(path) and path.exists()
    assert find(landing, dt.date(2026, 8, 31)).endswith("/2026-08.parquet")


def test_a_month_whose_cold_file_is_damaged_is_not_compacted(landing: CompactedLanding) -> None:
    landing.compact()
    cold_file = Path(find(landing))
    again = landing.land(COLD_DAY, {"ad_id": "1", "spend": "9"})
    cold_file.write_bytes(b"PAR1" + cold_file.read_bytes()[4:-40] + b"x" * 40)

    (problem,) = landing.compact().compacted.problems

    assert str(cold_file) in problem and find(landing) == again.path and Path(again.path).exists()


def test_a_damaged_cold_file_is_set_aside_with_all_of_its_days(landing: CompactedLanding) -> None:
    landing.compact()
    cold_file = Path(find(landing))
    cold_file.write_bytes(b"garbage")

    again = landing.land(COLD_DAY, {"ad_id": "1", "spend": "9"})

    assert find(landing) == again.path
    assert [file.day for file in landing.files() if file.day.month == 8] == [COLD_DAY]
    assert cold_file.with_name("2026-08.parquet.corrupt").read_bytes() == b"garbage"


def test_an_account_that_is_being_landed_is_left_to_the_next_compaction(landing: CompactedLanding) -> None:
    before = landing.on_disk()
    with leases.hold(landing.engine, "act_1", now=lambda: landing.now, sleep=lambda _: None):
        assert landing.compact().busy == ("act_1",)
        assert landing.on_disk() == before

    assert landing.compact().busy == ()
    assert landing.on_disk() != before


def test_only_orphans_older_than_a_day_are_counted_and_removed(landing: CompactedLanding) -> None:
    folder = Path(landing.landing.root) / "ad_insights" / "act_1"
    orphan, foreign = folder / "2026-08-05.parquet", Path(landing.landing.root) / "ad_insights" / "act_9"
    orphan.write_bytes(b"left")
    (folder / "versions" / "2026-08-05.20260901T000000.000000Z.parquet").write_bytes(b"behind")
    foreign.mkdir()
    for other in (foreign / "2026-08-05.parquet", folder / "notes.txt", folder / "2026-08-05.parquet.corrupt"):
        other.write_bytes(b"x")
    now = dt.datetime.now(dt.UTC)  # the real time, because the files have real ages

    def count(hours: int) -> tuple[int, int, int]:
        orphaned = orphans.count(landing.landing.root, landing.engine, now=now + dt.timedelta(hours=hours), most=99)
        return orphaned.files, orphaned.bytes, orphaned.foreign

    assert count(23) == (0, 0, 0)
    assert count(25) == (2, 10, 1)
    named = {file.path for file in (*landing.files(), *landing.files(landed_versions))}
    removed = orphans.remove(landing.landing.root, landing.engine, now=now + dt.timedelta(hours=25))

    assert (removed.files, removed.bytes, removed.foreign) == (2, 10, 1)
    assert not orphan.exists() and (foreign / "2026-08-05.parquet").exists() and (folder / "notes.txt").exists()
    assert all(Path(path).exists() for path in named) and count(25) == (0, 0, 1)


def test_every_file_of_a_node_is_listed(landing: CompactedLanding) -> None:
    landing.compact(days_later=60)
    landing.land(COLD_DAY, {"ad_id": "1", "spend": "9"})
    landing.land(COLD_DAY, {"ad_id": "5", "spend": "9"}, node_id="act_2")
    (Path(landing.landing.root) / "ad_insights" / "act_1" / "2026-01-01.parquet.corrupt").write_bytes(b"x")

    named = orphans.files_of_node(landing.landing.root, landing.engine, "act_1")

    root = Path(landing.landing.root)
    assert sorted(str(Path(path).relative_to(root)) for path in named) == [
        name for name in landing.on_disk() if name.split("/")[1] == "act_1"
    ]
    assert Counter(Path(path).parent.name for path in named)["versions"] == 3


def test_a_compaction_killed_at_any_step_changes_no_row_that_is_loaded(tmp_path: Path) -> None:
    """In the first world all files are hot; in the second, cold files are replaced and some of their days shadowed."""
    first = CompactedLanding(tmp_path / "place")
    first.fill()
    first.save_as(tmp_path / "first")
    first.compact(days_later=60)
    first.land(COLD_DAY, {"ad_id": "3", "spend": "3"})
    first.land(dt.date(2026, 9, 2), {"ad_id": "3", "spend": "3"})
    first.save_as(tmp_path / "second")
    kills, loaded_states = Counter[str](), set[tuple[str, ...]]()
    for world in ("first", "second"):
        wanted, is_killed = CompactedLanding.restored(tmp_path / world, tmp_path / "place").raw_rows(), True
        while is_killed:
            place = CompactedLanding.restored(tmp_path / world, tmp_path / "place")
            before = place.contents()
            is_killed = killed_at(place.folder, kills[world], days_later=60)
            kills[world] += is_killed

            assert place.contents() == before, f"{world} world, killed at step {kills[world]}"
            whole = (name for name in place.on_disk() if not name.endswith(".tmp"))
            state = (world, *whole, *sorted({file.path for file in place.files()}))
            if state not in loaded_states:
                loaded_states.add(state)
                assert place.raw_rows() == wanted, f"{world} world, killed at step {kills[world]}"
            # Then the leases of the killed process have expired, and its files are a day old, by the machine's clock.
            place.compact(days_later=max(120, (dt.datetime.now(dt.UTC) - place.now).days + 2))
            assert place.contents() == before
            named = {file.path for file in (*place.files(), *place.files(landed_versions))}
            assert {str(Path(place.landing.root) / name) for name in place.on_disk()} == named
    assert min(kills.values()) >= 10 and len(loaded_states) >= 10


@pytest.mark.parametrize("seed", range(6))
def test_after_random_landings_and_compactions_the_last_rows_and_every_restatement_are_stored(
    tmp_path: Path, seed: int
) -> None:
    chance, place = random.Random(seed), CompactedLanding(tmp_path / "place")
    days = [dt.date(2026, 7, 30) + dt.timedelta(days=number) for number in range(4)] + [dt.date(2026, 11, 18)]
    current: dict[tuple[str, dt.date], list[str]] = {}
    versions: Counter[tuple[str, dt.date, str]] = Counter()
    for _ in range(40):
        if chance.random() < 0.25:
            place.compact(days_later=chance.choice([0, 60]))
        else:
            report, day = chance.choice([("ad_insights", chance.choice(days)), ("campaigns", SNAPSHOT_DAY)])
            rows = [{"id": str(number), "spend": str(chance.randrange(3))} for number in range(chance.randrange(3))]
            landed = [json.dumps(row) for row in rows]
            before = current.get((report, day))
            has_changed = before != landed if report == "campaigns" else Counter(before or ()) != Counter(landed)
            if before is not None and has_changed:
                versions[report, day, "".join(before)] += 1
            current[report, day] = landed
            place.land(day, *rows, report=report)

        contents = place.contents()
        stored = {key[1:4:2]: [row[3] for row in rows] for key, rows in contents.items() if key[0] == "landed_files"}
        assert stored == current
        assert versions == Counter(
            (key[1], key[3], "".join(row[3] for row in rows)) for key, rows in contents.items()
            if key[0] == "landed_versions"
        )
