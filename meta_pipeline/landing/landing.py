"""One Parquet file per report, node and day: the record exactly as Graph gave it, and where it came from."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import errno
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.landing.days import MemoryBudget, OpenDay, OpenDays, unwritable
from meta_pipeline.landing.file import Provenance, digest_of, payloads_of
from meta_pipeline.landing.text import arrow_text
from meta_pipeline.records import Batch, LandedFile, LandingError
from meta_pipeline.store import damaged, day_versions, leases, ledger
from meta_pipeline.store.temporary import discard_left_behind_once

# A snapshot of entities has no day of its own; it lands under this one.
SNAPSHOT_DAY = dt.date(1970, 1, 1)


class Landing:
    """The folder where days are put down whole, and the ledger that says which are there."""

    def __init__(self, root: Path, engine: sa.Engine) -> None:
        self.root = root
        self.engine = engine
        self.memory_budget = MemoryBudget()
        # Who has rows in hand. Several at once would hand Python's lock to and fro at every call of Arrow and of the
        # disk, which costs a tenth more than it wins on the other cores.
        self.arrow_lock = threading.Lock()

    def path(self, report: str, node_id: str, day: dt.date) -> Path:
        """Where a day lands: the name is fixed, so a day read again replaces itself."""
        return self._folder(report, node_id) / f"{day}.parquet"

    def _folder(self, report: str, node_id: str) -> Path:
        return self.root / report / node_id

    @contextlib.contextmanager
    def open_days(self, source: Provenance, days: Iterable[dt.date]) -> Iterator[OpenDays]:
        """Days to gather records in; what is not committed when the block ends leaves nothing behind."""
        folder = self._folder(source.report, source.node_id)
        discard_left_behind_once(folder)
        paths = {day: folder / f"{day}.parquet" for day in days}
        gathered = OpenDays(source, paths, self.memory_budget)
        try:
            yield gathered
        finally:
            for day in paths:
                gathered.drop(day)

    def commit(
        self, gathered: OpenDays, *, backfill_id: str | None, now: dt.datetime
    ) -> list[tuple[dt.date, LandedFile | LandingError]]:
        """Put every gathered day down in one step each: temporary file, fsync, rename; one transaction of the ledger
        then makes them all landed. A day that can't be written fails alone. No rows is a day without delivery. Before
        the first file is replaced, and with the ledger, the node's lease is renewed: LeaseLostError, and nothing is
        committed, when another run has taken it."""
        with self.arrow_lock:
            return self._commit(gathered, backfill_id=backfill_id, now=now)

    def _commit(
        self, gathered: OpenDays, *, backfill_id: str | None, now: dt.datetime
    ) -> list[tuple[dt.date, LandedFile | LandingError]]:
        report, node_id = gathered.source.report, gathered.source.node_id
        if lease := leases.find_own(self.engine, node_id):
            lease.renew()
        before = ledger.find_days(self.engine, report=report, node_id=node_id, days=list(gathered.days))
        ended: list[tuple[dt.date, LandedFile | LandingError]] = []
        unchanged_since: dict[dt.date, dt.datetime] = {}
        for day, one in gathered.days.items():
            file = LandedFile(
                report=report, node_id=node_id, day=day, path=str(one.path), rows=one.rows, digest=one.digest,
                landed_at=now,
            )
            try:
                known = before.get(day)
                if not self._write_if_changed(one, known) and known is not None:
                    unchanged_since[day] = known.landed_at
                ended.append((day, file))
            except (OSError, pa.ArrowException) as error:
                ended.append((day, unwritable(one.path, error)))
        ended.extend(gathered.failed.items())
        files = [file for _, file in ended if isinstance(file, LandedFile)]
        ledger.record(self.engine, *files, backfill_id=backfill_id, unchanged_since=unchanged_since)
        return ended

    def check_intact(self, file: LandedFile | None, *, is_whole: bool = True) -> LandedFile | None:
        """Return the landed file, None when its content is damaged: it is set aside then and lands again. All of its
        records are read, or only what it says of itself when not `is_whole`."""
        if file is None or not Path(file.path).exists():
            return file
        try:
            if is_whole:
                for _ in payloads_of(Path(file.path)):
                    pass
            else:
                digest_of(Path(file.path))
        except (OSError, pa.ArrowException) as error:
            if not damaged.is_damage(error):
                raise LandingError(f"can't read {file.path}: {error}; check the disk and the permissions") from error
            damaged.set_aside_file(self.engine, file)
            return None
        return file

    def write_day(
        self,
        report: str,
        node_id: str,
        day: dt.date,
        records: Iterable[tuple[bytes, Batch]],
        *,
        request: Mapping[str, Any],
        run_id: str,
        backfill_id: str | None,
        now: dt.datetime,
    ) -> LandedFile:
        """Put one day down whose records are all there; LandingError when it can't be written."""
        source = Provenance(report=report, node_id=node_id, request=request, run_id=run_id)
        with self.open_days(source, [day]) as gathered:
            # By identity: equality of two batches compares all their records.
            for _, rows in itertools.groupby(records, key=lambda row: id(row[1])):
                found = list(rows)
                gathered.add(day, arrow_text([record for record, _ in found]), found[0][1])
            ((_, file),) = self.commit(gathered, backfill_id=backfill_id, now=now)
        if isinstance(file, LandingError):
            raise file
        return file

    def _write_if_changed(self, one: OpenDay, before: LandedFile | None) -> bool:
        """Put the day in place; return True if it says something else than before. A file in its place that can't be
        read is set aside."""
        try:
            has_moved = self._has_moved(one, before)
        except (OSError, pa.ArrowException) as error:
            if not damaged.is_damage(error):
                raise
            damaged.set_aside(one.path)
            has_moved = True
        if has_moved is not None:
            one.finish().replace(one.path)
        return has_moved or False

    def _has_moved(self, one: OpenDay, before: LandedFile | None) -> bool | None:
        """Return whether a day says something else than its file, whose content is kept as an earlier version then;
        None when the file says exactly this."""
        if before is None or not one.path.exists():
            if one.path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(one.path))
            return True
        # What the file says of itself counts too: a kill may have come between its renaming and the ledger.
        if digest_of(one.path) in (one.digest, None) and before.digest == one.digest:
            return None
        if has_moved := _content_changed(one):
            self._keep_version(before)
        return has_moved or self._is_kept(before)

    def _is_kept(self, before: LandedFile) -> bool:
        """Whether what the ledger knows was replaced already, and a kill came before the ledger heard of it."""
        kept = day_versions.find(self.engine, report=before.report, node_id=before.node_id, day=before.day)
        return any(version.landed_at == before.landed_at for version in kept)

    def _keep_version(self, before: LandedFile) -> None:
        """What Meta said until now stays, under the time from which it was so. A kill after any step leaves the day as
        it was, and doing it again changes nothing."""
        path = Path(before.path)
        kept = path.parent / "versions" / f"{before.day}.{before.landed_at:%Y%m%dT%H%M%S.%fZ}.parquet"
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(path)
        day_versions.record(self.engine, dataclasses.replace(before, path=str(kept)))


def _content_changed(one: OpenDay) -> bool:
    """Whether a day says something else than its file. Of a listing every state counts, names too."""
    told: Callable[[Iterable[str]], Any] = list if one.day == SNAPSHOT_DAY else _figures
    try:
        return bool(told(payloads_of(one.path)) != told(one.payloads()))
    except orjson.JSONDecodeError:  # what is no JSON says nothing
        return True


def _figures(payloads: Iterable[str]) -> int:
    """A name for what of the rows is a figure or an id: a new name or another order is no restatement."""
    total = 0
    for text in payloads:
        row = {key: value for key, value in orjson.loads(text).items() if not key.endswith("name")}
        spelled = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        total += int.from_bytes(hashlib.blake2b(spelled, digest_size=16).digest())
    return total
