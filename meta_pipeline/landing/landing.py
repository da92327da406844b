"""One Parquet file per report, node and day: the record exactly as Graph gave it, and where it came from."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
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
        payloads = [readable(record) for record, _ in rows]
        digest = hashlib.sha256("\n".join(payloads).encode()).hexdigest()
        asked = json.dumps(request, sort_keys=True, separators=(",", ":"))
        count = len(rows)
        table = pa.table(
            [
                pa.array([node_id] * count, pa.string()),
                pa.array([day] * count, pa.date32()),
                pa.array(range(count), pa.int32()),
                pa.array(payloads, pa.string()),
                pa.array([report] * count, pa.string()),
                pa.array([batch.version for _, batch in rows], pa.string()),
                pa.array([batch.trace_id for _, batch in rows], pa.string()),
                pa.array([batch.fetched_at for _, batch in rows], pa.timestamp("us", tz="UTC")),
                pa.array([run_id] * count, pa.string()),
                pa.array([hashlib.sha256(asked.encode()).hexdigest()[:32]] * count, pa.string()),
            ],
            schema=SCHEMA.with_metadata({"request": asked}),
        )
        path = self.path(report, node_id, day)
        file = LandedFile(report, node_id, day, str(path), count, digest, now)
        before = ledger.find(self.engine, report=report, node_id=node_id, day=day)
        if before is None or before.digest != digest or not path.exists():
            _replace(path, table)
        ledger.note(self.engine, file, backfill_id=backfill_id)
        return file


def readable(record: bytes) -> str:
    """The record's text, byte for byte, unless it holds a lone surrogate (an emoji cut in two by a truncated name):
    Parquet readers refuse that, so it becomes U+FFFD here, once."""
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
