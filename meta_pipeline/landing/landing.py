"""Land days: one Parquet file per report, node and day, and its entry in the ledger."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.files import damaged, durable, reading
from meta_pipeline.files.locations import Location, folder_of, is_cold, join
from meta_pipeline.files.temporary import discard_left_behind_once
from meta_pipeline.landing.cold import UnlikeLedgerError, UnreadableError, write_version
from meta_pipeline.landing.days import MemoryBudget, OpenDay, OpenDays, write_error
from meta_pipeline.landing.file import Provenance, digest_of, payloads_of
from meta_pipeline.records import SNAPSHOT_DAY, Batch, LandedFile, LandingError
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import day_versions, ledger

Outcome = tuple[dt.date, LandedFile | LandingError]


class Landing:
    """The landed days under a root, and the ledger that lists them."""

    def __init__(self, root: Location, engine: sa.Engine) -> None:
        self.root = root
        self.engine = engine
        self.memory_budget = MemoryBudget()
        # Held by the thread that works on rows. Several at once would pass the GIL back and forth at every call of
        # Arrow and the disk, which costs a tenth more than the other cores gain.
        self.arrow_lock = threading.Lock()

    def location(self, report: str, node_id: str, day: dt.date) -> Location:
        """Return the location where a day lands. Its name is fixed, so a day that is read again replaces its file."""
        return join(self.root, report, node_id, f"{day}.parquet")

    @contextlib.contextmanager
    def open_days(self, source: Provenance, days: Iterable[dt.date]) -> Iterator[OpenDays]:
        """Open days to collect records; days that are not committed when the block ends are discarded."""
        discard_left_behind_once(join(self.root, source.report, source.node_id))
        locations = {day: self.location(source.report, source.node_id, day) for day in days}
        open_days = OpenDays(source, locations, self.memory_budget)
        try:
            yield open_days
        finally:
            for day in locations:
                open_days.drop(day)

    def commit(self, open_days: OpenDays, *, backfill_id: str | None, now: dt.datetime) -> list[Outcome]:
        """Land every open day: temporary file, fsync, rename; then one transaction of the ledger records them all.

        A day that can't be written fails alone. A day without rows is a day without delivery. The node's lease is
        renewed before the first file is replaced, and again with the ledger: if another run has taken it, raise
        LeaseLostError and record nothing."""
        with self.arrow_lock:
            return self._commit(open_days, backfill_id=backfill_id, now=now)

    def _commit(self, open_days: OpenDays, *, backfill_id: str | None, now: dt.datetime) -> list[Outcome]:
        report, node_id = open_days.source.report, open_days.source.node_id
        if lease := leases.find_own(self.engine, node_id):
            lease.renew()
        landed_before = ledger.find_days(self.engine, report=report, node_id=node_id, days=list(open_days.days))
        outcomes: list[Outcome] = []
        unchanged_since: dict[dt.date, dt.datetime] = {}
        for day, open_day in open_days.days.items():
            file = LandedFile(
                report=report, node_id=node_id, day=day, path=open_day.location, rows=open_day.rows,
                digest=open_day.digest, landed_at=now,
            )
            try:
                before = landed_before.get(day)
                location, is_changed = self._put(open_day, before)
                if not is_changed and before is not None:
                    unchanged_since[day] = before.landed_at
                outcomes.append((day, dataclasses.replace(file, path=location)))
            except (OSError, pa.ArrowException) as error:
                outcomes.append((day, write_error(open_day.location, error)))
        outcomes.extend(open_days.failed.items())
        files = [file for _, file in outcomes if isinstance(file, LandedFile)]
        ledger.record(self.engine, *files, backfill_id=backfill_id, unchanged_since=unchanged_since)
        return outcomes

    def check_intact(self, file: LandedFile | None, *, is_whole: bool = True) -> LandedFile | None:
        """Return the landed file; None if its content is damaged: it is set aside, and the day lands again. Read all of
        its records, or only its metadata without `is_whole`. Raise LandingError if the operating system refuses the
        read."""
        if file is None or not reading.exists(file.path):
            return file
        try:
            if is_whole:
                for _ in payloads_of(file.path, file.day):
                    pass
            else:
                digest_of(file.path)
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
        """Land one day from all its records; raise LandingError if it can't be written."""
        source = Provenance(report=report, node_id=node_id, request=request, run_id=run_id)
        with self.open_days(source, [day]) as open_days:
            open_days.add_rows(day, records)
            ((_, file),) = self.commit(open_days, backfill_id=backfill_id, now=now)
        if isinstance(file, LandingError):
            raise file
        return file

    def _put(self, open_day: OpenDay, before: LandedFile | None) -> tuple[Location, bool]:
        """Move the day into place unless it is there already; return its location, and whether its content has changed.
        A damaged file in its place is set aside."""
        cold = before if before is not None and is_cold(before.path) else None
        try:
            is_changed = self._compare(open_day, before) if cold is None else self._compare_with_cold(open_day, cold)
        except (OSError, pa.ArrowException, UnlikeLedgerError, UnreadableError) as error:
            if not damaged.is_damage(error.cause if isinstance(error, UnreadableError) else error):
                raise
            if cold is None:
                damaged.set_aside(open_day.location)
            else:
                damaged.set_aside_file(self.engine, cold)
            is_changed = True
        if is_changed is None:
            return cold.path if cold else open_day.location, False
        open_day.finish().commit()
        return open_day.location, is_changed

    def _compare(self, open_day: OpenDay, before: LandedFile | None) -> bool | None:
        """Return whether the content of a day differs from its file's, which is then kept as an earlier version; None
        when the file holds exactly these records."""
        if before is None or not reading.exists(open_day.location):
            if reading.is_folder(open_day.location):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), open_day.location)
            return True
        # The file's own digest counts too: the process may have been killed between the rename and the ledger.
        if digest_of(open_day.location) in (open_day.digest, None) and before.digest == open_day.digest:
            return None
        if (is_changed := _content_changed(open_day, open_day.location)) and open_day.keeps_versions:
            self._keep_version(before)
        return is_changed or self._is_replaced(before)

    def _compare_with_cold(self, open_day: OpenDay, before: LandedFile) -> bool | None:
        """Return the same for a day in a cold file. A changed day lands hot; the cold file has the old rows until the
        next compaction."""
        if not reading.exists(before.path):
            return True
        if before.digest == open_day.digest:
            return None
        if (is_changed := _content_changed(open_day, before.path)) and open_day.keeps_versions:
            self._keep_version(before)
        return is_changed

    def _is_replaced(self, before: LandedFile) -> bool:
        """Return True if the file was replaced already and a kill came before the ledger recorded it."""
        versions = day_versions.find(self.engine, report=before.report, node_id=before.node_id, day=before.day)
        return any(version.landed_at == before.landed_at for version in versions)

    def _keep_version(self, before: LandedFile) -> None:
        """Keep the content that is about to be replaced, named by the time since which it was current. A kill after any
        step leaves the day unchanged, and a repetition changes nothing."""
        name = f"{before.day}.{before.landed_at:%Y%m%dT%H%M%S.%fZ}.parquet"
        target = join(folder_of(before.path), damaged.VERSIONS, name)
        if not is_cold(before.path):
            durable.keep_under(before.path, target)
        elif not reading.exists(target):
            with durable.replacing(target) as file:
                write_version(file, before)
        day_versions.record(self.engine, dataclasses.replace(before, path=target))


def _content_changed(open_day: OpenDay, location: Location) -> bool:
    """Return whether a day differs from its file: in any field of a listing, or in a metric or an id of insights."""
    summarize: Callable[[Iterable[str]], Any] = list if open_day.day == SNAPSHOT_DAY else _metrics_hash
    try:
        return bool(summarize(payloads_of(location, open_day.day)) != summarize(open_day.payloads()))
    except orjson.JSONDecodeError:
        return True


def _metrics_hash(payloads: Iterable[str]) -> int:
    """Return an order-independent hash of the rows without their `*_name` fields: equal hashes mean no restatement."""
    total = 0
    for text in payloads:
        row = {key: value for key, value in orjson.loads(text).items() if not key.endswith("_name")}
        canonical = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        total += int.from_bytes(hashlib.blake2b(canonical, digest_size=16).digest())
    return total
