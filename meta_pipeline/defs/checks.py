"""Checks that stand beside the assets in the UI: unpartitioned, with what is wrong as metadata."""

from __future__ import annotations

import dagster as dg

from meta_pipeline import bootstrap, flows
from meta_pipeline.defs.assets.warehouse import published
from meta_pipeline.graph.versions import trouble_with


@dg.asset_check(asset=published, name="api_versions", description="the pins live, and Meta answers as they say")
def api_versions(home: dg.ResourceParam[bootstrap.Live]) -> dg.AssetCheckResult:
    """A warning 60 days before a pin dies, and at once when Meta answers with another version or warns."""
    now = bootstrap.now()
    troubles = (trouble_with(surface, pin, today=now.date()) for surface, pin in home.settings.pins.items())
    told = [trouble for trouble in troubles if trouble]
    told += flows.version_warnings(home.engine, now=now)
    return dg.AssetCheckResult(
        passed=not told, severity=dg.AssetCheckSeverity.WARN, metadata={"told": dg.MetadataValue.json(told)}
    )
