"""Decide whether a build is needed: not when nothing has changed since the last publication."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.tables import RawTable
from meta_pipeline.warehouse.warehouse import Warehouse

_MADE_BY_DBT = {"target", "logs", "dbt_packages"}
_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb")


def digest_of(
    tables: Iterable[RawTable], *, today: dt.date, project: Path | None = None, parsed: str | None = None
) -> str:
    """Return a digest of everything except the data that marts are built with: the dbt project, the raw tables, the
    versions of dbt and DuckDB, and the day, which decides which days are frozen."""
    return hashlib.sha256(f"{today} {structure_digest(tables, project, parsed=parsed)}".encode()).hexdigest()


def structure_digest(tables: Iterable[RawTable], project: Path | None = None, *, parsed: str | None = None) -> str:
    """Return the digest without the day. Marts that were built with a different one are rebuilt from all raw rows.
    `parsed`: the digest of the project when it was parsed, if its files may have changed since."""
    digest = hashlib.sha256(f"{sorted(tables, key=lambda table: table.name)}".encode())
    digest.update((parsed or project_digest(project or dbt_project_folder())).encode())
    return digest.hexdigest()


def project_digest(project: Path) -> str:
    """Return a digest of a dbt project's files and of the versions of dbt and DuckDB.

    Times of files are no substitute: a wheel's files are as old as the wheel, so a downgrade would go unnoticed."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        digest.update(f" {package} {importlib.metadata.version(package)}".encode())
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if path.is_file() and name.parts[0] not in _MADE_BY_DBT:
            digest.update(f" {name} ".encode() + path.read_bytes())
    return digest.hexdigest()


def is_published(warehouse: Warehouse, engine: sa.Engine, published: Location, *, digest: str) -> bool:
    """Return True if the published file contains everything that has landed and was built with this digest."""
    state = warehouse_state.find(engine)
    if state.load_id is None or (state.published_load_id, state.published_digest) != (state.load_id, digest):
        return False
    if not reading.exists(published) or reading.size_of(published) != state.published_bytes:
        return False
    return warehouse.is_current(engine)
