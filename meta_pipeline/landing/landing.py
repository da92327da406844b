"""One Parquet file per report, node and day: the record exactly as Graph gave it, and where it came from."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from meta_pipeline.records import Batch, LandedFile, LandingError
from meta_pipeline.store import ledger

SCHEMA = pa.schema(
    [
        ("node_id", pa.string()),
        ("day", pa.date32()),
        ("record_index", pa.int32()),
        ("payload", pa.string()),
        ("_report", pa.string()),
        ("_api_version", pa.string()),
        ("_fbtrace_id", pa.string()),
        ("_fetched_at", pa.timestamp("us", tz="UTC")),
        ("_run_id", pa.string()),
        ("_request", pa.string()),
    ]
)

# A snapshot of entities has no day of its own; it lands under this one.
SNAPSHOT_DAY = dt.date(1970, 1, 1)


class Landing:
    """The folder where days are put down whole, and the ledger that says which are there."""

    def __init__(self, root: Path, engine: sa.Engine) -> None:
        self.root = root
        self.engine = engine

    def path(self, report: str, node_id: str, day: dt.date) -> Path:
        """Where a day lands: the name is fixed, so a day read again replaces itself."""
        return self.root / report / node_id / f"{day.isoformat()}.parquet"

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
        """Put one day down in one step: temporary file, fsync, rename, ledger. No rows is a day without delivery."""
        rows = list(records)
        asked = json.dumps(request, sort_keys=True, separators=(",", ":"))
        count = len(rows)
        payloads, together = readable([record for record, _ in rows])
        digest = hashlib.sha256(together).hexdigest()
        # By identity: equality of two batches compares all their records.
        runs = [list(found) for _, found in itertools.groupby(rows, key=lambda row: id(row[1]))]
        batches = [(found[0][1], len(found)) for found in runs]
        table = pa.table(
            [
                pa.repeat(pa.scalar(node_id, pa.string()), count),
                pa.repeat(pa.scalar(day, pa.date32()), count),
                pa.array(range(count), pa.int32()),
                payloads,
                pa.repeat(pa.scalar(report, pa.string()), count),
                _column([(batch.version, length) for batch, length in batches], pa.string()),
                _column([(batch.trace_id, length) for batch, length in batches], pa.string()),
                _column([(batch.fetched_at, length) for batch, length in batches], pa.timestamp("us", tz="UTC")),
                pa.repeat(pa.scalar(run_id, pa.string()), count),
                pa.repeat(pa.scalar(hashlib.sha256(asked.encode()).hexdigest()[:32], pa.string()), count),
            ],
            schema=SCHEMA.with_metadata({"request": asked}),
        )
        path = self.path(report, node_id, day)
        file = LandedFile(report, node_id, day, str(path), count, digest, now)
        before = ledger.find(self.engine, report=report, node_id=node_id, day=day)
        if before is None or before.digest != digest or not path.exists():
            if before is not None and path.exists() and _numbers(_payloads_of(path)) != _numbers(payloads.to_pylist()):
                self._keep_version(before)
            _replace(path, table)
        ledger.note(self.engine, file, backfill_id=backfill_id)
        return file


    def _keep_version(self, before: LandedFile) -> None:
        """What Meta said until now stays, under the time from which it was so. A kill after any step leaves the day as
        it was, and doing it again changes nothing."""
        path = Path(before.path)
        kept = path.parent / "versions" / f"{before.day}.{before.landed_at:%Y%m%dT%H%M%S.%fZ}.parquet"
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(path)
        ledger.note_version(self.engine, dataclasses.replace(before, path=str(kept)))


def _column(runs: list[tuple[Any, int]], kind: pa.DataType) -> pa.Array:
    """Every value as often as its batch has rows."""
    if not runs:
        return pa.array([], kind)
    return pa.concat_arrays([pa.repeat(pa.scalar(value, kind), length) for value, length in runs])


def _payloads_of(path: Path) -> list[str]:
    payloads: list[str] = pq.read_table(path, columns=["payload"]).column("payload").to_pylist()
    return payloads


def _numbers(payloads: Iterable[str]) -> list[bytes]:
    """What of the rows is a figure or an id, in an order of its own: a new name or another order is no restatement."""
    rows = [{key: value for key, value in orjson.loads(text).items() if not key.endswith("name")} for text in payloads]
    return sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows)


def readable(records: list[bytes]) -> tuple[pa.StringArray, bytes]:
    """The records as Arrow text, and joined by newlines: byte for byte, but for those that Parquet readers refuse. A
    lone surrogate (an emoji cut in two by a truncated name) or a byte that is no UTF-8 becomes U+FFFD here, once. All
    records are looked at together: such a one is rare."""
    together = b"\n".join(records)
    if b"\\ud" not in together and b"\\uD" not in together:
        with contextlib.suppress(UnicodeDecodeError):
            together.decode()
            # The same buffers under another name: nothing is copied.
            _, offsets, data = pa.array(records, pa.binary()).buffers()
            return pa.StringArray.from_buffers(len(records), offsets, data), together
    spelled = [_readable(record) for record in records]
    return pa.array(spelled, pa.string()), "\n".join(spelled).encode()


def _readable(record: bytes) -> str:
    text = record.decode("utf-8", "replace")
    if "\\ud" not in text.lower():
        return text
    with contextlib.suppress(orjson.JSONDecodeError):
        orjson.loads(text)
        return text
    spelled = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    return spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _replace(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    try:
        pq.write_table(table, name, compression="zstd", compression_level=3)
        with Path(name).open("rb") as written:
            os.fsync(written.fileno())
        Path(name).replace(path)
    except (OSError, pa.ArrowException) as error:
        raise LandingError(f"could not write {path}: {error}; free space or permissions, then run it again") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
