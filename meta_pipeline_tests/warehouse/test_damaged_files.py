"""A landed file that can't be read is set aside and named, its day lands again, and everything else is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from harness.landing.filled_home import DAYS, FilledHome
from meta_pipeline.files import damaged
from meta_pipeline.records import SNAPSHOT_DAY, LandedFile
from meta_pipeline.store.landed import day_versions, ledger

ROW = {"ad_id": "1", "spend": "5"}


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(3000))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_text("x")


def no_json(path: Path) -> None:
    home = FilledHome(path.parents[3] / "elsewhere")
    home.landing.root = str(path.parents[2])
    home.at = home.at.replace(year=2020)
    batch_path = Path(home.landing.location("ad_insights", "act_1", DAYS[0]))
    assert batch_path == path
    batch_path.unlink()
    from meta_pipeline.records import Batch

    home.landing.write_day(
        "ad_insights", "act_1", DAYS[0], [(b'{"ad_id":"1"', Batch(
            records=(), trace_id="T", version="v25.0", fetched_at=home.at,
        ))], request={}, run_id="r",
        backfill_id="b", now=home.at,
    )


@pytest.fixture
def home(tmp_path: Path) -> FilledHome:
    home = FilledHome(tmp_path / "home")
    home.load()
    for report in ("ad_insights", "account_insights"):
        home.land(report, DAYS[0], ROW)
    home.account = "act_2"
    home.land("ad_insights", DAYS[0], ROW)
    home.account = "act_1"
    return home


DAMAGES = [truncated, garbage, empty, directory, no_json]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_stops_no_other_and_its_day_lands_again(home: FilledHome, damage: Callable[[Path], None]) -> None:
    path = Path(home.landing.location("ad_insights", "act_1", DAYS[0]))
    damage(path)
    aside = path.with_name(path.name + ".corrupt")

    loaded = home.warehouse.load(home.engine, now=home.at)

    assert loaded.files == 2
    (sentence,) = loaded.skipped
    assert str(aside) in sentence and f"--since {DAYS[0]} --until {DAYS[0]} --node act_1" in sentence
    assert aside.exists() and not path.exists()
    assert ledger.find(home.engine, report="ad_insights", node_id="act_1", day=DAYS[0]) is None
    assert list(damaged.not_landed_again(home.landing.root, home.engine)) == [
        (str(aside), "ad_insights", "act_1", str(DAYS[0]))
    ]
    assert home.warehouse.load(home.engine, now=home.at).skipped == ()

    home.land("ad_insights", DAYS[0], {**ROW, "spend": "6"})
    assert home.load() == 1
    rows = [(node, spend) for node, _, _, spend in home.everything()["rows"]]
    assert rows == [("act_1", "6"), ("act_2", "5")]
    assert list(damaged.not_landed_again(home.landing.root, home.engine)) == []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("spend", ["5", "6"])
def test_a_damaged_file_is_replaced_when_its_day_is_read_again(
    home: FilledHome, damage: Callable[[Path], None], spend: str
) -> None:
    home.load()
    path = Path(home.landing.location("ad_insights", "act_1", DAYS[0]))
    damage(path)

    home.land("ad_insights", DAYS[0], {**ROW, "spend": spend})
    home.load()

    assert ("act_1", DAYS[0], "1", spend) in home.everything()["rows"]
    assert home.warehouse.load(home.engine, now=home.at).skipped == ()
    home.warehouse.check_complete(home.engine)


def test_a_damaged_listing_and_a_damaged_earlier_version_stop_no_other_file(home: FilledHome) -> None:
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "a"})
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "b"})
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "c"})
    home.land("ad_insights", DAYS[0], {**ROW, "spend": "6"})
    for report in ("campaigns", "ad_insights"):
        day = SNAPSHOT_DAY if report == "campaigns" else DAYS[0]
        oldest, *_ = day_versions.find(home.engine, report=report, node_id="act_1", day=day)
        truncated(Path(oldest.path))

    loaded = home.warehouse.load(home.engine, now=home.at)

    assert len(loaded.skipped) == 2 and all("earlier version" in sentence for sentence in loaded.skipped)
    assert [name for _, name, _ in home.everything()["histories"]] == ["b", "c"]
    assert home.warehouse.load(home.engine, now=home.at).skipped == ()


@pytest.mark.parametrize("damage", [truncated, garbage, empty, directory])
def test_a_damaged_listing_counts_as_missing(home: FilledHome, damage: Callable[[Path], None]) -> None:
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "a"})
    home.load()  # nothing will load it again

    def landed() -> LandedFile | None:
        landed = ledger.find(home.engine, report="campaigns", node_id="act_1", day=SNAPSHOT_DAY)
        return home.landing.check_intact(landed, is_whole=damage is not directory)

    assert landed() is not None
    damage(Path(home.landing.location("campaigns", "act_1", SNAPSHOT_DAY)))

    assert landed() is None
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "b"})
    assert landed() is not None


def test_a_file_that_the_system_cannot_read_is_left_in_place(home: FilledHome, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(home.landing.location("ad_insights", "act_1", DAYS[0]))
    content = path.read_bytes()
    empty(path)
    opened = Path.open

    def refused(self: Path, *arguments: Any, **named: Any) -> IO[Any]:
        if self == path:
            raise OSError(5, "Input/output error", str(path))
        file: IO[Any] = opened(self, *arguments, **named)
        return file

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        (sentence,) = home.warehouse.load(home.engine, now=home.at).skipped
    assert "Input/output error" in sentence and path.exists()
    path.write_bytes(content)
    assert home.load() == 1


def test_files_set_aside_are_bounded(home: FilledHome) -> None:
    for number in range(damaged.MOST_KEPT + 3):
        path = Path(home.landing.location("ad_insights", "act_1", DAYS[0])).with_name(f"{number}.parquet")
        path.write_bytes(b"x")
        os.utime(path, (number, number))
        damaged.set_aside(str(path))

    set_aside = list(path.parent.glob("*.corrupt"))
    assert len(set_aside) == damaged.MOST_KEPT and path.with_name(path.name + ".corrupt") in set_aside
