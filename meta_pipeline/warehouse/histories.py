"""Every state that a campaign, an ad or a creative was seen in: listings folded in order of time, a row only where the
content differs from what was seen before."""

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
from meta_pipeline.store import day_versions, listing_sweeps
from meta_pipeline.warehouse.raw import transaction
from meta_pipeline.warehouse.tables import SCHEMA, TABLES, RawTable

KINDS = tuple(kind.name for kind in ENTITY_KINDS if kind.has_history)
# What moves with every look and is no change of the thing: spending, and addresses that are signed anew.
RESTLESS = frozenset({"amount_spent", "budget_remaining", "thumbnail_url"})
ROWS_AT_ONCE = 100_000
_ENVELOPE = "_api_version, _fbtrace_id, _fetched_at, _run_id, _request"


def history_of(kind: str) -> str:
    """The name of a kind's table of states."""
    return f"{kind}_history"


def load(
    connection: duckdb.DuckDBPyConnection,
    engine: sa.Engine,
    files: Iterable[LandedFile],
    *,
    is_whole: bool,
    now: dt.datetime,
) -> list[tuple[LandedFile, Exception]]:
    """Fold the listings that wait, and those replaced before they were loaded; return those that can't be read, and
    why. Everything that ever landed is folded when there is no history yet or it is not this ledger's (`is_whole`).
    Doing it again adds nothing."""
    waiting = list(files)
    unreadable: list[tuple[LandedFile, Exception]] = []
    for table in (table for table in TABLES if table.name in KINDS):
        connection.execute(_ddl(table))
        versions = day_versions.find_waiting(engine, reports=[table.name])
        mine = [version.file for version in versions] + [file for file in waiting if file.report == table.name]
        if is_whole or _is_empty(connection, table):
            mine = listing_sweeps.all_listings(engine, kind=table.name)
        failed: dict[str, tuple[LandedFile, Exception]] = {}
        for some in _portions(sorted(mine, key=lambda file: file.landed_at)):
            _fold(connection, table, some, failed)
        unreadable += failed.values()
        day_versions.mark_loaded(engine, [one for one in versions if one.file.path not in failed], now=now)
    return unreadable


def _is_empty(connection: duckdb.DuckDBPyConnection, table: RawTable) -> bool:
    return not connection.execute(f"from {SCHEMA}.{history_of(table.name)} limit 1").fetchall()


def _portions(files: list[LandedFile]) -> Iterator[list[LandedFile]]:
    """The files, in their order, as many at once as memory is meant for."""
    some: list[LandedFile] = []
    for file in files:
        if some and sum(one.rows for one in some) + file.rows > ROWS_AT_ONCE:
            yield some
            some = []
        some.append(file)
    if some:
        yield some


def _ddl(table: RawTable) -> str:
    columns = "".join(f', "{column}" varchar' for column in table.columns)
    return (
        f"create schema if not exists {SCHEMA}; create table if not exists {SCHEMA}.{history_of(table.name)} "
        f"(node_id varchar{columns}, payload varchar, _api_version varchar, _fbtrace_id varchar, "
        "_fetched_at timestamptz, _run_id varchar, _request varchar, _content varchar)"
    )


def _fold(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    files: list[LandedFile],
    failed: dict[str, tuple[LandedFile, Exception]],
) -> None:
    """The states of these listings that are news, in one transaction. A record that is older than what is known says
    nothing new: it was folded when it was the newest. Files that can't be read are added to `failed`, by path."""
    names = ", ".join(f'"{column}"' for column in table.columns)
    parsed = ", ".join(f'record."{column}"' for column in table.columns)
    target = f"{SCHEMA}.{history_of(table.name)}"
    connection.register("listed", pa.Table.from_batches(_batches(files, failed), _LISTED))
    try:
        with transaction(connection, f"the history of {table.name}"):
            connection.execute(
                f"insert into {target} (node_id, {names}, payload, {_ENVELOPE}, _content) "
                f"with newest as (select id, _content, _fetched_at from {target} "
                "where id in (select _id from listed) "
                "qualify row_number() over (partition by id order by _fetched_at desc) = 1), "
                "later as (select listed.*, newest._content as known "
                "from listed left join newest on listed._id = newest.id "
                "where newest.id is null or listed._fetched_at > newest._fetched_at "
                "qualify row_number() over "
                "(partition by listed._id, listed._fetched_at order by listed._content) = 1), "
                "news as (select * from later qualify _content is distinct from coalesce("
                "lag(_content) over (partition by _id order by _fetched_at), known)) "
                f"select node_id, {parsed}, payload, {_ENVELOPE}, _content "
                "from (select *, from_json(payload, ?) as record from news)",
                [table.structure],
            )
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
    """The records of listings, each with its id and what of it is content."""
    for file in files:
        try:
            found = list(_batches_of(file))
        except (OSError, pa.ArrowException, orjson.JSONDecodeError) as error:
            failed[file.path] = file, error
        else:
            yield from found


def _batches_of(file: LandedFile) -> Iterator[pa.RecordBatch]:
    for batch in reading.read_table(file.path, _READ).to_batches():
        if not batch.num_rows:
            continue
        told = [told_of(orjson.loads(payload)) for payload in batch.column("payload").to_pylist()]
        columns = [batch.column(name) for name in _READ]
        columns += [pa.array(list(column), pa.string()) for column in zip(*told, strict=True)]
        found = pa.RecordBatch.from_arrays(columns, schema=_LISTED)
        yield found.filter(pa.array([bool(id) for id, _ in told], pa.bool_()))


def told_of(record: dict[str, Any]) -> tuple[str, str]:
    """A record's id, and its content in short: whatever order Meta wrote it in, without what moves by itself. An error
    is one, whatever trace it bears."""
    kept = {key: value for key, value in record.items() if key not in RESTLESS}
    if "error" in kept:
        kept["error"] = True
    return str(kept.get("id") or ""), short_hash(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
