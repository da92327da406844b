"""Checks that stand beside the assets in the UI: unpartitioned, with what is wrong as metadata."""

from __future__ import annotations

from typing import Any

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.assets.landing import OWNERS, SOURCE_TAG
from meta_pipeline.defs.assets.warehouse import published
from meta_pipeline.defs.shown import bullets, escaped
from meta_pipeline.status import coverage
from meta_pipeline.status.versions import version_warnings


@dg.asset_check(asset=published, name="api_versions", description="the pins live, and Meta answers as they say")
def api_versions(runtime: dg.ResourceParam[bootstrap.Runtime]) -> dg.AssetCheckResult:
    """A warning 60 days before a pin dies, and at once when Meta answers with another version or warns."""
    now = runtime.now()
    today, pins = now.date(), runtime.settings.pins.items()
    troubles = (runtime.versions.trouble_with(surface, pin, today=today) for surface, pin in pins)
    told = [trouble for trouble in troubles if trouble]
    told += version_warnings(runtime.engine, now=now)
    return dg.AssetCheckResult(
        passed=not told, severity=dg.AssetCheckSeverity.WARN, metadata={"told": dg.MetadataValue.json(told)}
    )


@dg.asset_check(asset=published, name="drift", description="Meta sends nothing that no column knows")
def drift(runtime: dg.ResourceParam[bootstrap.Runtime]) -> dg.AssetCheckResult:
    """A warning with the keys: they stay in the payload, and a column may be worth while."""
    found = coverage.drift(runtime.settings.published_file)
    return dg.AssetCheckResult(
        passed=not found, severity=dg.AssetCheckSeverity.WARN,
        metadata={"keys": dg.MetadataValue.json(found), "count": len(found)},
    )


@dg.asset_check(
    asset=published, name="gated_reports",
    description="no report is empty because its advertiser has not switched it on; how many values are absent",
)
def gated_reports(runtime: dg.ResourceParam[bootstrap.Runtime]) -> dg.AssetCheckResult:
    """Meta answers a gated report with nothing, and no error: what to do is said here."""
    file = runtime.settings.published_file
    told = coverage.empty_gates(file, runtime.catalogue)
    return dg.AssetCheckResult(
        passed=not told, severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "told": bullets(map(escaped, told), empty="all well"),
            "unknown": dg.MetadataValue.json(coverage.unknown(file)),
        },
    )


TOKENS = dg.AssetSpec(
    ["vault", "tokens"], group_name="landing", kinds={"meta"}, owners=OWNERS, tags=SOURCE_TAG,
    description="The access tokens of everybody who has connected. An observation is an alert: whose token, what stops "
    "and the link that renews it.",
)


@dg.asset_check(asset=TOKENS.key, name="tokens_live", description="every connection has a token that works")
def tokens_live(runtime: dg.ResourceParam[bootstrap.Runtime]) -> dg.AssetCheckResult:
    """Whose does not, and what to click."""
    return dg.AssetCheckResult(**health_of(runtime))


def health_of(runtime: bootstrap.Runtime) -> dict[str, Any]:
    """Passed or not, how bad it is, and every trouble with its click."""
    found = runtime.connections()
    told = [
        f"{escaped(issue.message)} [{escaped(issue.action)}](<{issue.url}>)"
        for one in found for issue in one.issues
    ]
    is_dead = any(one.state == "dead" for one in found)
    return {
        "passed": not told, "severity": dg.AssetCheckSeverity.ERROR if is_dead else dg.AssetCheckSeverity.WARN,
        "metadata": {"told": bullets(told, empty="all well")},
    }
