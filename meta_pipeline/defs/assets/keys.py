"""The asset keys that several modules use, and the attributes that assets share."""

from __future__ import annotations

import dagster as dg

from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.node_kinds import AD_ACCOUNT, NodeKind

OWNERS = ["team:data"]
SOURCE, SOURCE_TAG = AD_ACCOUNT.source, {"source": AD_ACCOUNT.source}
ENTITIES = tuple(kind.name for kind in ENTITY_KINDS)
TOKENS = dg.AssetKey(["vault", "tokens"])
PUBLISHED = dg.AssetKey(["published", "warehouse"])
WRITER = "duckdb_writer"  # the pool of steps that write the DuckDB file, which DuckDB locks for all other processes


def kind_of_landed(name: str) -> NodeKind:
    """Return the kind of node of a report or a listing: listings, and the reports of a user's file, are of ad
    accounts."""
    report = NODE_REPORTS.get(name)
    return AD_ACCOUNT if report is None else report.node_kind


def landing_key(name: str) -> dg.AssetKey:
    """Return `landing/<source>/<report or listing>`."""
    return dg.AssetKey(["landing", kind_of_landed(name).source, name])


def raw_key(table: str, landed: str) -> dg.AssetKey:
    """Return `raw_<source>/<table>` of what landed, which is the key of dbt's source as well."""
    return dg.AssetKey([kind_of_landed(landed).raw_schema, table])
