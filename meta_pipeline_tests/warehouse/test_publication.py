"""A file is synced to disk before it gets its name, and a query reads only the published file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from harness.landing.filled_home import DAYS, NOW, FilledHome
from meta_pipeline.landing import thumbnails
from meta_pipeline.publish.publish import publish
from meta_pipeline.publish.readers.query import QueryError, query
from meta_pipeline.records import SNAPSHOT_DAY, LandingError, LoadError


@pytest.fixture
def home(tmp_path: Path) -> FilledHome:
    home = FilledHome(tmp_path / "home")
    home.load()
    return home


class Steps:
    """The syncs and renames in their order, each with the inode and the size of its file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, tuple[int, int]]] = []
        fsync, replace = os.fsync, Path.replace

        def named(status: os.stat_result) -> tuple[int, int]:
            return status.st_ino, status.st_size

        def synced(descriptor: int) -> None:
            self.made.append(("sync", named(os.fstat(descriptor))))
            fsync(descriptor)

        def replaced(source: Path, target: Path) -> Path:
            self.made.append(("rename", named(source.stat())))
            return replace(source, target)

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(Path, "replace", replaced)


@pytest.mark.parametrize("write", ["day", "spilled day", "listing", "publication", "thumbnail"])
def test_a_file_is_synced_before_it_is_renamed(home: FilledHome, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    steps = Steps(monkeypatch)
    if write == "publication":
        publish(home.warehouse.file, str(home.path / "published" / "warehouse.duckdb"), now=NOW)
    elif write == "thumbnail":
        thumbnails.save(home.landing.root, b"picture", "png")
    elif write == "listing":
        home.land("campaigns", SNAPSHOT_DAY, {"id": "1", "name": "A"})
    else:
        if write == "spilled day":
            home.landing.memory_budget.limit = home.landing.memory_budget.smallest_spill = 0
        home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "5"})

    (first, synced), (second, renamed) = steps.made
    assert (first, second) == ("sync", "rename")
    assert synced == renamed  # the same file, complete when it was synced


@pytest.fixture
def published(home: FilledHome) -> Path:
    return Path(publish(home.warehouse.file, str(home.path / "published" / "warehouse.duckdb"), now=NOW).location)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{file}')",
        "select * from read_blob('/proc/self/environ')",
        "select * from read_csv('{file}')",
        "select * from read_parquet('{file}')",
        "select * from '{file}'",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{folder}/written.csv'",
        "copy raw_meta_ads.ad_insights to '{folder}/written.parquet'",
        "export database '{folder}/exported'",
        "attach '{folder}/other.duckdb' as other",
        "attach '{folder}/new.duckdb' as other",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "reset lock_configuration",
        "set temp_directory = '{folder}'",
        "pragma enable_profiling",
        "set log_query_path = '{folder}/log'",
        "select getenv('HOME')",
        "select 1; copy (select 1) to '{folder}/written.csv'",
    ],
)
def test_a_query_reads_and_writes_nothing_but_the_published_file(published: Path, tmp_path: Path, sql: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "secret.txt"
    file.write_text("secret")
    with duckdb.connect(str(folder / "other.duckdb")):
        pass
    before = sorted(folder.iterdir())

    with pytest.raises(QueryError) as refused:
        query(str(published), sql.format(file=file, folder=folder))

    assert "secret\n" not in str(refused.value)
    assert sorted(folder.iterdir()) == before


def test_a_query_larger_than_memory_is_still_answered(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meta_pipeline.publish.readers import query as module

    monkeypatch.setitem(module._CONFINED, "memory_limit", "30MB")
    sql = "select count(*) from (select row_number() over (order by hash(range) desc) from range(3_000_000))"

    assert query(str(published), sql)[1] == [(3_000_000,)]


def test_a_publication_keeps_the_permissions_of_its_file(home: FilledHome, published: Path) -> None:
    published.chmod(0o640)
    publish(home.warehouse.file, str(published), now=NOW)

    assert published.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["copyfile", "fsync", "replace", "mkdir"])
def test_a_publication_that_fails_leaves_the_previous_one(
    home: FilledHome, published: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, listed = published.read_bytes(), sorted(published.parent.iterdir())
    home.land("ad_insights", DAYS[0], {"ad_id": "1"})
    home.load()

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error", str(published))

    owner = {"copyfile": shutil, "fsync": os, "replace": Path, "mkdir": Path}[step]
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, fail)
        with pytest.raises(LoadError, match=r"Input/output error.*the earlier publication stays"):
            publish(home.warehouse.file, str(published), now=NOW)

    assert published.read_bytes() == before and sorted(published.parent.iterdir()) == listed
    publish(home.warehouse.file, str(published), now=NOW)
    assert published.read_bytes() != before


def test_nothing_is_published_from_a_missing_warehouse(home: FilledHome, published: Path) -> None:
    home.warehouse.file.unlink()
    before = published.read_bytes()

    with pytest.raises(LoadError, match="does not exist"):
        publish(home.warehouse.file, str(published), now=NOW)
    assert published.read_bytes() == before and not home.warehouse.file.exists()


@pytest.mark.parametrize("step", ["open", "fsync", "replace", "mkdir"])
def test_a_picture_that_can_not_be_written_is_named(home: FilledHome, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os if step in ("fsync", "open") else Path, step, fail)
        with pytest.raises(LandingError, match="No space left"):
            thumbnails.save(home.landing.root, b"picture", "png")

    assert not [path for path in Path(home.landing.root).rglob("*") if path.is_file() and path.name.startswith(".")]
    assert (Path(home.landing.root) / thumbnails.save(home.landing.root, b"picture", "png")[1]).read_bytes() == b"picture"
