"""The requests behind the raw rows. A row has the digest of its request; the request itself is in the metadata of its
landed file, and is copied into the warehouse for readers of the published file."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb

from meta_pipeline.digests import short_hash
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.warehouse.tables import OWN_SCHEMA, RawTable

# Requests without a row are removed once in this many loads: finding them reads a column of the whole table.
LOADS_BETWEEN_REMOVALS = 50


def add_requests(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Add the requests of the rows that this load put into the table; the temporary table `changed` has their paths.
    Only one of the files with the same request is opened."""
    incoming = connection.execute(
        f"select stored.node_id, stored._request, any_value(changed.path) from {table.place} as stored "
        "join changed using (node_id, day) "
        f"where not exists (select 1 from {OWN_SCHEMA}.requests as present where present.report = ? "
        "and present.node_id = stored.node_id and present.digest = stored._request) group by all",
        [table.name],
    ).fetchall()
    listed: dict[Location, dict[str, str]] = {}
    for node_id, digest, path in incoming:
        if path not in listed:
            listed[path] = {short_hash(request.encode()): request for request in _requests_in(path)}
        if digest in listed[path]:
            values = [table.name, node_id, digest, listed[path][digest]]
            connection.execute(f"insert into {OWN_SCHEMA}.requests values (?, ?, ?, ?)", values)


def _requests_in(path: Location) -> Iterator[str]:
    """Yield the requests of a hot file, which has one, or of a cold file."""
    metadata = reading.parquet_metadata(path)
    if (request := metadata.get(b"request")) is not None:
        yield request.decode()
    elif (held := metadata.get(b"held")) is not None:
        yield from json.loads(held)["requests"]


def remove_unused_requests(connection: duckdb.DuckDBPyConnection, table: RawTable, *, load_number: int) -> None:
    """Remove the requests that no row has, once in LOADS_BETWEEN_REMOVALS loads. The caller replaces rows afterwards:
    their requests are still needed for the versions that are added later in the same load."""
    if load_number % LOADS_BETWEEN_REMOVALS:
        return
    places = [table.place, *([table.versions] if table.has_versions else [])]
    used = " union ".join(f"select node_id, _request from {place}" for place in places)
    connection.execute(
        f"delete from {OWN_SCHEMA}.requests as stored where report = ? and not exists "
        f"(select 1 from ({used}) as used where used.node_id = stored.node_id and used._request = stored.digest)",
        [table.name],
    )
