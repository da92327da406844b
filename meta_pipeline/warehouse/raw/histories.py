"""History of campaigns, ads and creatives: listings in order of time, with a row only if the content differs from the
previous one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.digests import short_hash
from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.files import reading
from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed import day_versions, listing_sweeps
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.tables import ENVELOPE, SCHEMA, TABLES, RawTable
from meta_pipeline.warehouse.transactions import transaction

KINDS = tuple(kind.name for kind in ENTITY_KINDS if kind.has_history)
# Fields that differ in every listing without a change of the entity: spending, and signed URLs.
VOLATILE_FIELDS = frozenset({"amount_spent", "budget_remaining", "thumbnail_url"})
ROWS_PER_PORTION = 100_000


def history_of(kind: str) -> str:
    """Return the name of the history table of a kind."""
    return f"{kind}_history"


def load(
    connection: duckdb.DuckDBPyConnection,
    engine: sa.Engine,
    files: Iterable[LandedFile],
    *,
    log: ChangeLog,
    is_whole: bool,
    now: dt.datetime,
) -> list[tuple[LandedFile, Exception]]:
    """Add the waiting listings to the histories, and those that were replaced before they were loaded; return those
    that can't be read, with their errors. If a history is empty or belongs to another ledger (`is_whole`), every
    listing that ever landed is added. A repetition adds nothing."""
    waiting = list(files)
    unreadable: list[tuple[LandedFile, Exception]] = []
    for table in (table for table in TABLES if table.name in KINDS):
        _ensure(connection, table)
        versions = day_versions.find_waiting(engine, reports=[table.name])
        listings = [version.file for version in versions] + [file for file in waiting if file.report == table.name]
        if is_whole or _is_empty(connection, table):
            listings = listing_sweeps.all_listings(engine, kind=table.name)
        failed: dict[str, tuple[LandedFile, Exception]] = {}
        for portion in _portions(sorted(listings, key=lambda file: file.landed_at)):
            _add_changes(connection, table, portion, failed, log=log)
        unreadable += failed.values()
        day_versions.mark_loaded(engine, [version for version in versions if version.file.path not in failed], now=now)
    return unreadable


def _is_empty(connection: duckdb.DuckDBPyConnection, table: RawTable) -> bool:
    return not connection.execute(f"from {SCHEMA}.{history_of(table.name)} limit 1").fetchall()


def _portions(files: list[LandedFile]) -> Iterator[list[LandedFile]]:
    """Yield the files in order, as many at once as fit into memory."""
    portion: list[LandedFile] = []
    for file in files:
        if portion and sum(earlier.rows for earlier in portion) + file.rows > ROWS_PER_PORTION:
            yield portion
            portion = []
        portion.append(file)
    if portion:
        yield portion


def _ensure(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Create the history of a kind, or add the columns that the table of an older warehouse lacks: they are null in the
    states that were seen before the field was requested."""
    place = f"{SCHEMA}.{history_of(table.name)}"
    columns = "".join(f', "{column}" varchar' for column in table.columns)
    connection.execute(
        f"create schema if not exists {SCHEMA}; create table if not exists {place} "
        f"(node_id varchar{columns}, payload varchar, _api_version varchar, _fbtrace_id varchar, "
        "_fetched_at timestamptz, _run_id varchar, _request varchar, _content varchar)"
    )
    existing = {row[0] for row in connection.execute(f"describe {place}").fetchall()}
    for column in table.columns:
        if column not in existing:
            connection.execute(f'alter table {place} add column if not exists "{column}" varchar')


def _add_changes(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    files: list[LandedFile],
    failed: dict[str, tuple[LandedFile, Exception]],
    *,
    log: ChangeLog,
) -> None:
    """Insert the records that differ from their previous state, and log their nodes, in one transaction. A record older
    than the newest state is skipped: it was added when it was the newest. Files that can't be read are added to
    `failed`, by path."""
    names = ", ".join(f'"{column}"' for column in table.columns)
    parsed = ", ".join(f'record."{column}"' for column in table.columns)
    target = f"{SCHEMA}.{history_of(table.name)}"
    connection.register("listed", pa.Table.from_batches(_batches(files, failed), _LISTED))
    try:
        with transaction(connection, f"the history of {table.name}"):
            added = connection.execute(
                f"insert into {target} (node_id, {names}, payload, {ENVELOPE}, _content) "
                f"with newest as (select id, _content, _fetched_at from {target} "
                "where id in (select _id from listed) "
                "qualify row_number() over (partition by id order by _fetched_at desc) = 1), "
                "later as (select listed.*, newest._content as previous "
                "from listed left join newest on listed._id = newest.id "
                "where newest.id is null or listed._fetched_at > newest._fetched_at "
                "qualify row_number() over "
                "(partition by listed._id, listed._fetched_at order by listed._content) = 1), "
                "changes as (select * from later qualify _content is distinct from coalesce("
                "lag(_content) over (partition by _id order by _fetched_at), previous)) "
                f"select node_id, {parsed}, payload, {ENVELOPE}, _content "
                "from (select *, from_json(payload, ?) as record from changes) returning node_id",
                [table.structure],
            ).fetchall()
            log.record_nodes(history_of(table.name), {node_id for (node_id,) in added})
    finally:
        connection.unregister("listed")


_READ = ("node_id", "payload", "_api_version", "_fbtrace_id", "_fetched_at", "_run_id", "_request")
_LISTED = pa.schema(
    [(name, pa.timestamp("us", tz="UTC") if name == "_fetched_at" else pa.string()) for name in _READ]
    + [("_id", pa.string()), ("_content", pa.string())]
)


def _batches(
    files: list[LandedFile], failed: dict[str, tuple[LandedFile, Exception]]
) -> Iterator[pa.RecordBatch]:
    """Yield the records of listings with their ids and content digests; add unreadable files to `failed`."""
    for file in files:
        try:
            batches = list(_batches_of(file))
        except (OSError, pa.ArrowException, orjson.JSONDecodeError) as error:
            failed[file.path] = file, error
        else:
            yield from batches


def _batches_of(file: LandedFile) -> Iterator[pa.RecordBatch]:
    for batch in reading.read_table(file.path, _READ, day=file.day, landed_at=file.landed_at).to_batches():
        if not batch.num_rows:
            continue
        summaries = [id_and_digest(orjson.loads(payload)) for payload in batch.column("payload").to_pylist()]
        columns = [batch.column(name) for name in _READ]
        columns += [pa.array(list(column), pa.string()) for column in zip(*summaries, strict=True)]
        records = pa.RecordBatch.from_arrays(columns, schema=_LISTED)
        yield records.filter(pa.array([bool(id) for id, _ in summaries], pa.bool_()))


def id_and_digest(record: dict[str, Any]) -> tuple[str, str]:
    """Return a record's id and the digest of its content: independent of the order of its fields, without those that
    are volatile. All errors count as the same content."""
    content = {key: value for key, value in record.items() if key not in VOLATILE_FIELDS}
    if "error" in content:
        content["error"] = True
    return str(content.get("id") or ""), short_hash(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
