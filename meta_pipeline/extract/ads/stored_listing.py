"""A listing that landed before, taken up again: each record with the answer it came in, so that it can land once more
beside what is new."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from meta_pipeline.files import reading
from meta_pipeline.records import Batch

Row = tuple[bytes, Batch]
_COLUMNS = ["payload", "_fbtrace_id", "_api_version", "_fetched_at"]


class RecordSummary(msgspec.Struct):
    """What a record says of itself: the few things that decide whether it is asked for again."""

    id: str = ""
    status: str | None = None
    effective_status: str | None = None
    updated_time: str | None = None
    error: str | None = None
    told_by: str | None = None

    @property
    def is_deleted(self) -> bool:
        """Deleted is for good: such a thing is not asked for again."""
        return "DELETED" in (self.effective_status, self.status)


tell = msgspec.json.Decoder(RecordSummary).decode


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of a listing."""

    record: bytes
    batch: Batch
    told: RecordSummary

    @property
    def row(self) -> Row:
        """As it lands."""
        return self.record, self.batch


def of_rows(rows: Iterable[Row]) -> dict[str, StoredRecord]:
    """Records by id; the last one of an id counts."""
    return {(told := tell(record)).id: StoredRecord(record, batch, told) for record, batch in rows}


def of_file(path: str) -> dict[str, StoredRecord]:
    """The records of a landed listing, by id."""
    return of_rows(rows_of(path))


def rows_of(path: str) -> Iterator[Row]:
    """The records of a landed file. Those of one answer share its batch."""
    batches: dict[tuple[str | None, str, dt.datetime], Batch] = {}
    for row in reading.read_table(path, _COLUMNS).to_pylist():
        answer = row["_fbtrace_id"], row["_api_version"], row["_fetched_at"]
        yield row["payload"].encode(), batches.setdefault(
            answer, Batch(records=(), trace_id=answer[0], version=answer[1], fetched_at=answer[2])
        )


def newest(kept: Iterable[StoredRecord]) -> dt.datetime | None:
    """The newest `updated_time` of them."""
    times = [when(each.told.updated_time) for each in kept]
    return max((time for time in times if time is not None), default=None)


def when(text: str | None) -> dt.datetime | None:
    """A time as Meta writes it; None for what is none."""
    try:
        return dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
