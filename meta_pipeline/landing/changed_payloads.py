"""Rewrite landed files without data that must be removed from their records, and update their digests in the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.files import durable, reading
from meta_pipeline.files.locations import Location, is_cold
from meta_pipeline.landing import cold
from meta_pipeline.landing.file import DIGEST, REQUEST, WRITER_OPTIONS, hasher
from meta_pipeline.landing.text import valid_text
from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed import zones


def change_payloads(
    engine: sa.Engine,
    location: Location,
    entries: Sequence[LandedFile],
    *,
    is_changed: Callable[[str], bool],
    change: Callable[[str], str],
    has_versions: bool,
) -> int:
    """Apply `change` to the records of a file for which `is_changed` returns True; return their number. `entries`: the
    ledger's entries of this file. After a kill between the file and the ledger, the next call updates the ledger."""
    if not reading.exists(location):
        return 0
    held = [cold.find_held(entry, {}) for entry in entries]
    as_in_file = [
        dataclasses.replace(entry, digest=each.digest) for entry, each in zip(entries, held, strict=True)
    ]
    count = sum(
        is_changed(text) for entry in as_in_file for text in _payloads(entry)
    )
    digests = [each.digest for each in held]
    if count:
        with durable.replacing(location) as file:
            digests = _write(file, as_in_file, held, is_changed, change, has_versions=has_versions)
    changed = [(entry, digest) for entry, digest in zip(entries, digests, strict=True) if entry.digest != digest]
    zones.replace_digests(engine, changed, has_versions=has_versions)
    return count


def _payloads(entry: LandedFile) -> list[str]:
    return [
        text for table in cold.checked_rows(entry, entry.digest) for text in table.column("payload").to_pylist()
    ]


def _write(
    file: durable.DurableFile,
    entries: Sequence[LandedFile],
    held: Sequence[cold.Held],
    is_changed: Callable[[str], bool],
    change: Callable[[str], str],
    *,
    has_versions: bool,
) -> list[str]:
    """Write the changed file; return the digest of each entry's records."""
    is_month = is_cold(entries[0].path)
    schema = cold.OF_VERSIONS if is_month and has_versions else cold.PLAIN
    options = cold.options_for(schema) if is_month else WRITER_OPTIONS
    digests: list[str] = []
    with file.parquet_writer(schema, **options) as writer:
        for entry in entries:
            hashed = hasher()
            for table in cold.checked_rows(entry, entry.digest):
                payloads = [change(text) if is_changed(text) else text for text in table.column("payload").to_pylist()]
                column = pa.array(payloads, pa.string())
                hashed.update(valid_text(column)[1])
                at = table.schema.get_field_index("payload")
                table = table.set_column(at, table.schema.field(at), column)
                writer.write_table(cold.with_landed_at(table, entry) if schema is cold.OF_VERSIONS else table)
            digests.append(hashed.hexdigest())
        if is_month:
            now_held = [dataclasses.replace(each, digest=new) for each, new in zip(held, digests, strict=True)]
            writer.add_key_value_metadata({cold.HELD: cold.held_json(now_held)})
        else:
            writer.add_key_value_metadata({REQUEST: held[0].request, DIGEST: digests[0]})
    file.sync()
    return digests
