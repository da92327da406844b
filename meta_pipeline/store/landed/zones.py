"""Zones of the ledger: days and versions with a hot file each, and those in the cold file of a month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.records import SNAPSHOT_DAY, LandedFile
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed.ledger import DAY_KEY, file_of
from meta_pipeline.store.schema.landed import landed_files, landed_versions

# Held by the loader, which reads files of the ledger without the lease of their node, and by a compaction while it
# replaces and removes files.
FILES_LEASE = "landed files"
# In a LIKE pattern, an underscore matches any one character: `…/2026-01.parquet`.
_COLD = "%/____-__.parquet"


def _settled(table: sa.Table, before: dt.date) -> sa.ColumnElement[bool]:
    """Return the condition for rows of finished months: of days by the day, of versions by when they landed."""
    if table is landed_versions:
        return table.c.landed_at < dt.datetime.combine(before, dt.time(), dt.UTC)
    return sa.and_(table.c.day < before, table.c.day != SNAPSHOT_DAY)


def nodes_with_hot_files(engine: sa.Engine, *, before: dt.date) -> list[str]:
    """Return the nodes that have hot files of days, or of versions that landed, before this day."""
    node_ids: set[str] = set()
    with engine.connect() as connection:
        for table in (landed_files, landed_versions):
            query = sa.select(table.c.node_id).where(_settled(table, before), table.c.path.not_like(_COLD)).distinct()
            node_ids |= set(connection.execute(query).scalars())
    return sorted(node_ids)


def find_settled(
    engine: sa.Engine, *, node_id: str, before: dt.date, has_versions: bool
) -> list[LandedFile]:
    """Return a node's days, or its versions that landed, before this day, hot and cold, ordered by report, day and
    landing time."""
    table = landed_versions if has_versions else landed_files
    query = sa.select(table).where(table.c.node_id == node_id, _settled(table, before))
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.report, table.c.day, table.c.landed_at))
        return [file_of(row) for row in rows]


def move(engine: sa.Engine, files: Sequence[LandedFile], *, path: str, has_versions: bool) -> None:
    """Record that these days, or versions, are in another file now, in one transaction that renews the node's lease: if
    another run has it, raise LeaseLostError and record nothing. Entries that landed again meanwhile are not changed."""
    table = landed_versions if has_versions else landed_files
    names = (*DAY_KEY, "landed_at", "digest", "path")
    here = (table.c[name] == sa.bindparam(f"_{name}") for name in names)
    rows = [{f"_{name}": getattr(file, name) for name in names} for file in files if file.path != path]
    with engine.begin() as connection:
        for node_id in {file.node_id for file in files}:
            if lease := leases.find_own(engine, node_id):
                lease.renew_in(connection)
        if rows:
            connection.execute(table.update().where(*here).values(path=path), rows)


def remove_file(engine: sa.Engine, path: str) -> None:
    """Remove all entries of this file from the ledger."""
    with engine.begin() as connection:
        for table in (landed_files, landed_versions):
            connection.execute(table.delete().where(table.c.path == path))


def paths_of(engine: sa.Engine, *, node_id: str, report: str | None = None) -> list[str]:
    """Return the files that hold a node's days and versions, each once."""
    paths: set[str] = set()
    with engine.connect() as connection:
        for table in (landed_files, landed_versions):
            of_report = () if report is None else (table.c.report == report,)
            query = sa.select(table.c.path).where(table.c.node_id == node_id, *of_report).distinct()
            paths |= set(connection.execute(query).scalars())
    return sorted(paths)


def count(engine: sa.Engine) -> tuple[int, int, int]:
    """Return how many days and earlier versions have landed, and in how many files."""
    paths = sa.union(sa.select(landed_files.c.path), sa.select(landed_versions.c.path)).subquery()
    with engine.connect() as connection:
        days, versions, files = (
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (landed_files, landed_versions, paths)
        )
    return days, versions, files


def first_landed_at(engine: sa.Engine) -> dt.datetime | None:
    """Return when the oldest entry of the ledger landed; None when nothing has."""
    times: list[dt.datetime] = []
    with engine.connect() as connection:
        for table in (landed_files, landed_versions):
            query = sa.select(table.c.landed_at).order_by(table.c.landed_at).limit(1)
            times += connection.execute(query).scalars()
    return min(times, default=None)


def replace_digests(engine: sa.Engine, changed: Sequence[tuple[LandedFile, str]], *, has_versions: bool) -> None:
    """Record the new digests of days, or versions, whose records were changed in their files; entries that landed again
    meanwhile are not changed."""
    table = landed_versions if has_versions else landed_files
    names = (*DAY_KEY, "landed_at", "digest")
    here = (table.c[name] == sa.bindparam(f"_{name}") for name in names)
    rows = [{f"_{name}": getattr(file, name) for name in names} | {"_new": digest} for file, digest in changed]
    if rows:
        with engine.begin() as connection:
            connection.execute(table.update().where(*here).values(digest=sa.bindparam("_new")), rows)


def entries_in_files(
    engine: sa.Engine, *, node_id: str, report: str, has_versions: bool
) -> dict[str, list[LandedFile]]:
    """Return a node's days, or versions, of a report, by their file and in the order in which it holds them."""
    table = landed_versions if has_versions else landed_files
    query = sa.select(table).where(table.c.node_id == node_id, table.c.report == report)
    by_path: dict[str, list[LandedFile]] = {}
    with engine.connect() as connection:
        for row in connection.execute(query.order_by(table.c.day, table.c.landed_at)):
            by_path.setdefault(row.path, []).append(file_of(row))
    return by_path


def nodes_with(engine: sa.Engine, *, report: str | None = None) -> dict[str, str]:
    """Return each node that has landed files, with one of their reports; with `report`, only nodes that have files of
    it."""
    nodes: dict[str, str] = {}
    with engine.connect() as connection:
        for table in (landed_files, landed_versions):
            query = sa.select(table.c.node_id, table.c.report).distinct()
            if report is not None:
                query = query.where(table.c.report == report)
            nodes |= {row.node_id: row.report for row in connection.execute(query)}
    return nodes


def find_before(engine: sa.Engine, *, node_id: str, before: dt.date, has_versions: bool) -> list[LandedFile]:
    """Return a node's days before this day, or the earlier versions of such days and of listings that landed before."""
    table = landed_versions if has_versions else landed_files
    is_before = sa.and_(table.c.day < before, table.c.day != SNAPSHOT_DAY)
    if has_versions:
        landed_before = table.c.landed_at < dt.datetime.combine(before, dt.time(), dt.UTC)
        is_before = sa.or_(is_before, sa.and_(table.c.day == SNAPSHOT_DAY, landed_before))
    query = sa.select(table).where(table.c.node_id == node_id, is_before)
    with engine.connect() as connection:
        return [file_of(row) for row in connection.execute(query.order_by(table.c.path, table.c.day))]


def find_in_file(engine: sa.Engine, path: str, *, has_versions: bool) -> list[LandedFile]:
    """Return the days, or versions, that the ledger lists in a file, ordered by day and landing time."""
    table = landed_versions if has_versions else landed_files
    query = sa.select(table).where(table.c.path == path).order_by(table.c.day, table.c.landed_at)
    with engine.connect() as connection:
        return [file_of(row) for row in connection.execute(query)]


def remove_entries(engine: sa.Engine, files: Sequence[LandedFile], *, has_versions: bool) -> None:
    """Remove these days, or versions, from the ledger; entries that landed again meanwhile stay."""
    table = landed_versions if has_versions else landed_files
    names = (*DAY_KEY, "landed_at", "digest")
    here = (table.c[name] == sa.bindparam(f"_{name}") for name in names)
    rows = [{f"_{name}": getattr(file, name) for name in names} for file in files]
    if rows:
        with engine.begin() as connection:
            connection.execute(table.delete().where(*here), rows)


def oldest_days(engine: sa.Engine) -> dict[str, dt.date]:
    """Return the oldest landed day of each node; listings do not count."""
    query = sa.select(landed_files.c.node_id, sa.func.min(landed_files.c.day).label("day")).where(
        landed_files.c.day != SNAPSHOT_DAY
    )
    with engine.connect() as connection:
        return {row.node_id: row.day for row in connection.execute(query.group_by(landed_files.c.node_id))}
