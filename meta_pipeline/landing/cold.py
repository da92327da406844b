"""Cold files: the days of a month, or the versions that landed in it, each record and its envelope as in its hot file.
The metadata lists the days: landing time, rows, digest and request of each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from meta_pipeline.files import reading
from meta_pipeline.files.durable import DurableFile
from meta_pipeline.files.locations import Location, is_cold
from meta_pipeline.landing.file import DIGEST, REQUEST, SCHEMA, WRITER_OPTIONS, hasher
from meta_pipeline.landing.text import valid_text
from meta_pipeline.records import LandedFile

HELD = "held"
# A reader of one day reads whole row groups. They are as large as is still cheap: DuckDB reads many of them in
# parallel.
ROW_GROUP_BYTES = 16 * 1024 * 1024
_TIME = pa.timestamp("us", tz="UTC")
PLAIN = pa.schema(
    [
        pa.field(field.name, getattr(field.type, "value_type", field.type), nullable=field.nullable)
        for field in SCHEMA
    ]
)
OF_VERSIONS = PLAIN.append(pa.field(reading.LANDED_AT, _TIME, nullable=False))
_OPTIONS: dict[str, Any] = {
    **WRITER_OPTIONS,
    "compression": "zstd",
    "compression_level": 3,  # a cold file is rarely rewritten: a fifth smaller than at level 1
    "use_dictionary": [*WRITER_OPTIONS["use_dictionary"], reading.LANDED_AT],
    "write_statistics": ["day", reading.LANDED_AT],
}


class UnlikeLedgerError(Exception):
    """The rows of a day in a file do not match the ledger. `is_damage`: the digest in the file's metadata does, so the
    rows are damaged; otherwise a kill came before the ledger recorded the file."""

    def __init__(self, file: LandedFile, *, is_damage: bool) -> None:
        super().__init__(f"{file.path} does not match the ledger for {file.day}")
        self.file = file
        self.is_damage = is_damage


class UnreadableError(Exception):
    """A landed file that is to be rewritten can't be read."""

    def __init__(self, file: LandedFile, cause: Exception) -> None:
        super().__init__(f"{file.path} can't be read: {(str(cause) or type(cause).__name__).splitlines()[0]}")
        self.file = file
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A day, or a version of it, that a cold file holds. `digest`: of its records; `request`: canonical JSON. Both are
    empty if an older release wrote the hot file without them."""

    day: dt.date
    landed_at: dt.datetime
    rows: int
    digest: str
    request: str


def write(file: DurableFile, entries: Sequence[LandedFile], *, has_versions: bool) -> None:
    """Write the entries in order, each from its hot or cold file, to a temporary file, and sync it. Every entry is
    compared with the ledger: raise UnlikeLedgerError for the first that differs, UnreadableError for the first that
    can't be read."""
    schema = OF_VERSIONS if has_versions else PLAIN
    listed: dict[Location, list[Held]] = {}
    held: list[Held] = []
    with file.parquet_writer(schema, **options_for(schema)) as writer:
        group: list[pa.Table] = []
        for entry in entries:
            held.append(find_held(entry, listed))
            for table in checked_rows(entry, held[-1].digest):
                group.append(with_landed_at(table, entry) if has_versions else table)
                if sum(part.nbytes for part in group) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.concat_tables(group))
                    group = []
        if group:
            writer.write_table(pa.concat_tables(group))
        writer.add_key_value_metadata({HELD: held_json(held)})
    file.sync()


def write_version(file: DurableFile, entry: LandedFile) -> None:
    """Write one day of a cold file, in the format of a hot file, to a temporary file, and sync it."""
    held = find_held(entry, {})
    with file.parquet_writer(PLAIN, **WRITER_OPTIONS) as writer:
        for table in checked_rows(entry, held.digest):
            writer.write_table(table)
        writer.add_key_value_metadata({REQUEST: held.request, DIGEST: held.digest})
    file.sync()


def held_in(location: Location) -> list[Held]:
    """Return the days or versions of a cold file, in order."""
    listed = json.loads(reading.parquet_metadata(location)[HELD.encode()])
    return [
        Held(
            day=dt.date.fromisoformat(day), landed_at=dt.datetime.fromisoformat(landed_at), rows=rows, digest=digest,
            request=listed["requests"][request],
        )
        for day, landed_at, rows, digest, request in listed["held"]
    ]


def held_json(held: Sequence[Held]) -> str:
    """Return the list of a file's days as JSON; a request that several days share is in it once."""
    requests = list(dict.fromkeys(each.request for each in held))
    rows = [
        (str(each.day), each.landed_at.isoformat(), each.rows, each.digest, requests.index(each.request))
        for each in held
    ]
    return json.dumps({"requests": requests, "held": rows}, separators=(",", ":"))


def options_for(schema: pa.Schema) -> dict[str, Any]:
    return {
        key: [name for name in value if name in schema.names] if isinstance(value, list) else value
        for key, value in _OPTIONS.items()
    }


def find_held(entry: LandedFile, listed: dict[Location, list[Held]]) -> Held:
    """Return an entry's metadata from its file. `listed`: the lists of the cold files that were read before."""
    try:
        if not is_cold(entry.path):
            metadata = reading.parquet_metadata(entry.path)
            digest, request = (metadata.get(name.encode(), b"").decode() for name in (DIGEST, REQUEST))
            return Held(
                day=entry.day, landed_at=entry.landed_at, rows=entry.rows, digest=digest, request=request
            )
        if entry.path not in listed:
            listed[entry.path] = held_in(entry.path)
        of_day = [each for each in listed[entry.path] if each.day == entry.day]
        same = [each for each in of_day if each.landed_at == entry.landed_at]
        return (same or of_day)[0]
    except (OSError, pa.ArrowException, ValueError, LookupError) as error:
        raise UnreadableError(entry, error) from error


def checked_rows(entry: LandedFile, digest: str) -> Iterator[pa.Table]:
    """Yield the rows of an entry; after the last, raise UnlikeLedgerError unless they match the ledger."""
    rows, hashed = 0, hasher()
    try:
        for batch in reading.read_batches(
            entry.path, PLAIN.names, rows=10_000, day=entry.day, landed_at=entry.landed_at
        ):
            if batch.num_rows:
                rows += batch.num_rows
                hashed.update(valid_text(batch.column("payload"))[1])
                yield pa.Table.from_batches([batch]).cast(PLAIN)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(entry, error) from error
    if rows != entry.rows or hashed.hexdigest() != entry.digest:
        raise UnlikeLedgerError(entry, is_damage=digest == entry.digest)


def with_landed_at(table: pa.Table, entry: LandedFile) -> pa.Table:
    column = pa.repeat(pa.scalar(entry.landed_at, _TIME), table.num_rows)
    return table.append_column(OF_VERSIONS.field(reading.LANDED_AT), column)
