"""The schema of this version: its revision, and the metadata with every table in it."""

from __future__ import annotations

from meta_pipeline.store.schema import connections, gateway, landed, leaving, nodes, people, plans, pulls, webhooks
from meta_pipeline.store.schema.metadata import metadata

REVISION = "0028"  # the newest of migrations/versions
TABLE_MODULES = (connections, gateway, landed, leaving, nodes, people, plans, pulls, webhooks)

__all__ = ["REVISION", "TABLE_MODULES", "metadata"]
