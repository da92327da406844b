"""The asset keys that several modules name, and what assets of one source share."""

from __future__ import annotations

import dagster as dg

from meta_pipeline.entity_kinds import ENTITY_KINDS

SOURCE = "meta_ads"
OWNERS, SOURCE_TAG = ["team:data"], {"source": SOURCE}
ENTITIES = tuple(kind.name for kind in ENTITY_KINDS)
TOKENS = dg.AssetKey(["vault", "tokens"])
PUBLISHED = dg.AssetKey(["published", "warehouse"])
WRITER = "duckdb_writer"  # the pool of what writes DuckDB's file: a file that is being written locks out everyone else


def landing_key(report: str) -> dg.AssetKey:
    """Return `landing/meta_ads/<report>`."""
    return dg.AssetKey(["landing", SOURCE, report])


def raw_key(table: str) -> dg.AssetKey:
    """Return `raw_meta_ads/<table>`, which is the key of dbt's source as well."""
    return dg.AssetKey([f"raw_{SOURCE}", table])
