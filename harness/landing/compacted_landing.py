"""A landing of random days, repeated reads and listings, the rows that its ledger names, and a compaction that is
killed at any of its steps."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.files import reading
from meta_pipeline.flows.compaction import Compaction, compact_landing
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, LandedFile
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.landed import load_queue
from meta_pipeline.store.landed.ledger import file_of
from meta_pipeline.store.schema.landed import landed_files, landed_versions
from meta_pipeline.warehouse.tables import RawTable
from meta_pipeline.warehouse.warehouse import Warehouse

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOT_DAYS = 35
ENVELOPE = ("node_id", "day", "record_index", "payload", "_api_version", "_fbtrace_id", "_fetched_at", "_run_id")
# Which table of the ledger, the key of a version, and all of its rows with their envelope.
Contents = dict[tuple[str, str, str, dt.date, dt.datetime], list[tuple[Any, ...]]]


class CompactedLanding:
    """A landing under a folder, whose clock moves an hour with every day that lands."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.now = folder, NOW
        self.engine: sa.Engine = open_store(f"sqlite:///{folder / 'control.sqlite'}")
        self.landing = Landing(str(folder / "landing"), self.engine)

    def land(self, day: dt.date, *rows: object, report: str = "ad_insights", node_id: str = "act_1") -> LandedFile:
        self.now += dt.timedelta(hours=1)
        batch = Batch(records=(), trace_id=f"T{self.now:%d%H}", version="v26.0", fetched_at=self.now)
        return self.landing.write_day(
            report, node_id, day, [(json.dumps(row).encode(), batch) for row in rows],
            request={"report": report, "until": str(day)}, run_id="r", backfill_id=str(self.now), now=self.now,
        )

    def fill(self) -> None:
        """Days of two finished months, one without delivery and one restated; a listing that changed; a hot day."""
        for number in range(3):
            self.land(dt.date(2026, 8, 30) + dt.timedelta(days=number), {"ad_id": "1", "spend": str(number)})
        self.land(dt.date(2026, 8, 2))
        self.land(dt.date(2026, 8, 30), {"ad_id": "1", "spend": "7"}, {"ad_id": "2", "spend": "1"})
        self.land(SNAPSHOT_DAY, {"id": "9", "name": "before"}, report="campaigns")
        self.land(SNAPSHOT_DAY, {"id": "9", "name": "after"}, report="campaigns")
        self.land(dt.date(2026, 11, 19), {"ad_id": "1", "spend": "1"})

    def save_as(self, copy: Path) -> None:
        """Copy the landing and its control store."""
        self.engine.dispose()
        shutil.copytree(self.folder, copy)

    @classmethod
    def restored(cls, copy: Path, folder: Path) -> CompactedLanding:
        """Restore the copied landing under the folder that its ledger names, and return it."""
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
        return cls(folder)

    def raw_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Load everything that the ledger names into a new warehouse; return all rows of its raw tables."""
        load_queue.reset(self.engine)
        with tempfile.TemporaryDirectory() as folder:
            warehouse = Warehouse(Path(folder) / "warehouse.duckdb", [RawTable(
                name="ad_insights", columns=("ad_id", "spend"), has_versions=True,
            )])
            assert not warehouse.load(self.engine, now=self.now).skipped
            with warehouse.open() as connection:
                return {
                    table: connection.execute(f"from raw_meta_ads.{table} order by all").fetchall()
                    for table in ("ad_insights", "ad_insights_versions", "campaigns", "campaigns_history")
                }

    def compact(self, *, days_later: int = 0) -> Compaction:
        """Compact as the daily job does, so many days later."""
        later = self.now + dt.timedelta(days=days_later)
        return compact_landing(self.landing, hot_days=HOT_DAYS, now=lambda: later, sleep=lambda _: None)

    def contents(self) -> Contents:
        """Return every row of every day and of every version that the ledger names."""
        return {
            (table.name, file.report, file.node_id, file.day, file.landed_at): self.rows(file)
            for table in (landed_files, landed_versions) for file in self.files(table)
        }

    def rows(self, file: LandedFile) -> list[tuple[Any, ...]]:
        table = reading.read_table(file.path, ENVELOPE, day=file.day, landed_at=file.landed_at)
        return [tuple(row.values()) for row in table.to_pylist()]

    def files(self, table: sa.Table = landed_files) -> list[LandedFile]:
        with self.engine.connect() as connection:
            return [file_of(row) for row in connection.execute(sa.select(table).order_by(table.c.day))]

    def on_disk(self) -> list[str]:
        """Return the names of all files below the landing, with their folders."""
        root = Path(self.landing.root)
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def killed_at(folder: Path, step: int, *, days_later: int = 0) -> bool:
    """Compact in a process that is killed before its step of this number: a change of a file under the landing, or the
    commit of a change of the ledger; return False when it had ended before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "pyarrow.compute"])
    process = context.Process(target=_compact_until, args=(folder, step, days_later))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


_CHANGES = ("os.rename", "os.remove", "os.link", "os.mkdir")


def _compact_until(folder: Path, step: int, days_later: int) -> None:
    landing, steps = CompactedLanding(folder), 0
    root = landing.landing.root

    def count(*_: object) -> None:
        nonlocal steps
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    def watch(event: str, args: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in _CHANGES or is_write) and str(args[0]).startswith(root):
            count()

    def watch_ledger(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("UPDATE landed_"):
            count()

    sys.addaudithook(watch)
    sa.event.listen(landing.engine, "after_cursor_execute", watch_ledger)
    landing.compact(days_later=days_later)
