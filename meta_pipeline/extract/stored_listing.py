"""Read a landed listing: each record with its response, so that it can land once more with the new records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.records import Batch

# A record as Graph returned it, and the batch of its response.
Row = tuple[bytes, Batch]
_COLUMNS = ["payload", "_fbtrace_id", "_api_version", "_fetched_at"]


class RecordSummary(msgspec.Struct, rename={"source": "told_by"}):
    """The few fields of a record that decide whether it is requested again. `source`: `insights` for a record that was
    made from insights, because no listing has the entity."""

    id: str = ""
    status: str | None = None
    effective_status: str | None = None
    updated_time: str | None = None
    error: str | None = None
    source: str | None = None

    @property
    def is_deleted(self) -> bool:
        """Check that the entity is deleted, which is final: it is not requested again."""
        return "DELETED" in (self.effective_status, self.status)


summarize = msgspec.json.Decoder(RecordSummary).decode


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of a listing."""

    record: bytes
    batch: Batch
    summary: RecordSummary

    @property
    def row(self) -> Row:
        """Return the record as it lands."""
        return self.record, self.batch


def index_rows(rows: Iterable[Row]) -> dict[str, StoredRecord]:
    """Return records by id; the last one of an id counts."""
    stored = (StoredRecord(record, batch, summarize(record)) for record, batch in rows)
    return {each.summary.id: each for each in stored}


def read_listing(location: Location) -> dict[str, StoredRecord]:
    """Read the records of a landed listing, by id."""
    return index_rows(read_rows(location))


def read_rows(location: Location, day: dt.date | None = None) -> Iterator[Row]:
    """Read the records of a landed file, or those of one day of a cold file. Records of one response share its
    batch."""
    batches: dict[tuple[str | None, str, dt.datetime], Batch] = {}
    for row in reading.read_table(location, _COLUMNS, day=day).to_pylist():
        answer = row["_fbtrace_id"], row["_api_version"], row["_fetched_at"]
        yield row["payload"].encode(), batches.setdefault(
            answer, Batch(records=(), trace_id=answer[0], version=answer[1], fetched_at=answer[2])
        )


def newest_update(records: Iterable[StoredRecord]) -> dt.datetime | None:
    """Return the newest `updated_time` of the records; None when none has a valid one."""
    times = [parse_time(each.summary.updated_time) for each in records]
    return max((time for time in times if time is not None), default=None)


def parse_time(text: str | None) -> dt.datetime | None:
    """Parse a time as Meta writes it; return None when it is missing or invalid."""
    try:
        return dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
