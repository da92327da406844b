"""`marts.publication`: one row in each published file that says what the file is, so that it explains itself."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.publish.copies.warehouse_copy import has_relation, literal
from meta_pipeline.warehouse.tables import OWN_SCHEMA

TABLE = "marts.publication"
_COMMENT = "one row: the build in this file, the versions and settings that it was made with, the days it covers"
# By column: its type and comment. A test compares them with what is written.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "build_id": ("varchar", "Random id of this publication. The complete file and those of tenants have the same."),
    "built_at": ("timestamptz", "When this file was made."),
    "loaded_at": ("timestamptz", "When landed files were last loaded into the warehouse before this file was made."),
    "tenant": ("varchar", "The tenant whose nodes the file holds; null for the file that holds all."),
    "package_version": ("varchar", "Version of meta-pipeline."),
    "project_digest": ("varchar", "Digest of the dbt project and of the versions of dbt and DuckDB."),
    "settings_digest": ("varchar", "Digest of the tenants and of whether failed accounts are held back."),
    "graph_version": ("varchar", "Pinned version of Meta's Graph surfaces."),
    "marketing_version": ("varchar", "Pinned version of Meta's Marketing API."),
    "ads_since": ("date", "First day that was read of an ad account."),
    "ads_until": ("date", "Last day that was read of an ad account."),
    "pages_since": ("date", "First day that was read of a Page."),
    "pages_until": ("date", "Last day that was read of a Page."),
    "instagram_since": ("date", "First day that was read of an Instagram account."),
    "instagram_until": ("date", "Last day that was read of an Instagram account."),
    "nodes": ("bigint", "Number of ad accounts, Pages and Instagram accounts."),
    "held_back_nodes": ("bigint", "Number of those that show an earlier publication, or none; see account_status."),
}
_KINDS = {"ads": AD_ACCOUNT, "pages": PAGE, "instagram": INSTAGRAM_ACCOUNT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The values that every file of one publication has in common."""

    build_id: str
    built_at: dt.datetime
    project_digest: str = ""
    settings_digest: str = ""
    pins: Mapping[Literal["graph", "marketing"], str] = field(default_factory=dict)


def write_publication(connection: duckdb.DuckDBPyConnection, stamp: Stamp, *, tenant: str | None) -> None:
    """Write the row and its comments into a file that is not published yet."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    connection.execute(f"create schema if not exists marts; create or replace table {TABLE} ({columns})")
    state = connection.execute(f"select max(loaded_at) from {OWN_SCHEMA}.warehouse_state").fetchall()
    ((nodes, held),) = connection.execute(
        f"select count(*), count(*) filter (is_held_back) from {OWN_SCHEMA}.node_publications"
    ).fetchall()
    values = [
        stamp.build_id, stamp.built_at, state[0][0], tenant, importlib.metadata.version("meta-pipeline"),
        stamp.project_digest, stamp.settings_digest, stamp.pins.get("graph"), stamp.pins.get("marketing"),
        *_covers(connection), nodes, held,
    ]
    connection.execute(f"insert into {TABLE} values ({', '.join('?' * len(COLUMNS))})", values)
    connection.execute(f"comment on table {TABLE} is '{_COMMENT}'")
    for name, (_, comment) in COLUMNS.items():
        connection.execute(f"comment on column {TABLE}.{name} is '{literal(comment)}'")


def _covers(connection: duckdb.DuckDBPyConnection) -> list[dt.date | None]:
    """Return the first and the last day that was read of each kind of node."""
    days = {
        kind: (first, last)
        for kind, first, last in connection.execute(
            "select case when node_id like 'act%' then $1 else nodes.kind end, min(day), max(day) "
            f"from {OWN_SCHEMA}.day_versions left join {OWN_SCHEMA}.nodes using (node_id) where replaced_at is null "
            "group by all",
            [AD_ACCOUNT.name],
        ).fetchall()
    }
    return [day for kind in _KINDS.values() for day in days.get(kind.name, (None, None))]


def read_ids(published: Location) -> tuple[str, str] | None:
    """Return the build id and the settings' digest of a published file; None if it has none or can't be read."""
    try:
        with duckdb.connect(reading.duckdb_location(published), read_only=True) as connection:
            if not has_relation(connection, *TABLE.split(".")):
                return None
            rows = connection.execute(f"select build_id, settings_digest from {TABLE}").fetchall()
            return rows[0] if rows else None
    except (duckdb.Error, OSError):
        return None
