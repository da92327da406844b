"""Asset checks of the data and of the connections: unpartitioned, with the problems as metadata."""

from __future__ import annotations

from typing import TypedDict

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import OWNERS, PUBLISHED, SOURCE_TAG, TOKENS
from meta_pipeline.defs.shown import bullets, escaped
from meta_pipeline.status import coverage, metric_health
from meta_pipeline.status.check_failures import check_failures
from meta_pipeline.status.versions import version_warnings

TOKENS_SPEC = dg.AssetSpec(
    TOKENS, group_name="landing", kinds={"meta"}, owners=OWNERS, tags=SOURCE_TAG,
    description="The access tokens of everyone who has connected. An observation is an alert: whose token it is, what "
    "stops working, and the link that renews it.",
)


@dg.asset_check(
    asset=PUBLISHED, name="api_versions", description="the pinned versions are alive, and Meta answers with them"
)
def api_versions(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Warn 60 days before a pinned version ends, and at once when Meta answers with another version or warns."""
    now = runtime.now()
    by_pin = (
        runtime.versions.trouble_with(surface, pin, today=now.date())
        for surface, pin in runtime.settings.pins.items()
    )
    problems = [problem for problem in by_pin if problem]
    problems += version_warnings(runtime.engine, now=now)
    return dg.AssetCheckResult(
        passed=not problems, severity=dg.AssetCheckSeverity.WARN,
        metadata={"problems": dg.MetadataValue.json(problems)},
    )


@dg.asset_check(
    asset=PUBLISHED, name="drift",
    description="every key that Meta sends has a column, and Meta refuses no metric that is switched on",
)
def drift(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Warn with the keys that have no column, which stay in the payload, and with the metrics that Meta refuses."""
    dead = metric_health.dead_metrics(runtime.engine, metrics=runtime.metrics, now=runtime.now())
    keys = coverage.drift(runtime.settings.published_file)
    return dg.AssetCheckResult(
        passed=not keys and not dead, severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "keys": dg.MetadataValue.json(keys), "count": len(keys),
            "refused metrics": bullets(map(escaped, dead), empty="none"),
        },
    )


@dg.asset_check(
    asset=PUBLISHED, name="gated_reports",
    description="no report is empty because its advertiser has not switched it on; how many values are absent",
)
def gated_reports(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Warn with what to do: Meta returns no rows and no error for a gated report that is not switched on."""
    file = runtime.settings.published_file
    problems = coverage.empty_gates(file, runtime.catalogue)
    return dg.AssetCheckResult(
        passed=not problems, severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "problems": bullets(map(escaped, problems), empty="none"),
            "unknown": dg.MetadataValue.json(coverage.unknown(file)),
        },
    )


@dg.asset_check(
    asset=PUBLISHED, name="accounts",
    description="no account's rows fail a check (marts.fct_check_failures); a failing account does not stop the others",
)
def accounts(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Warn with the account, the check, the report, the days and what to do."""
    failures = check_failures(runtime.settings.published_file)
    return dg.AssetCheckResult(
        passed=not failures, severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "problems": bullets((escaped(f"{each.sentence}. {each.remedy}") for each in failures), empty="none"),
            "accounts": dg.MetadataValue.json(sorted({each.account_id for each in failures})),
        },
    )


@dg.asset_check(asset=TOKENS, name="tokens_live", description="every connection has a token that works")
def tokens_live(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Report the connections that do not work, and what to click."""
    return dg.AssetCheckResult(**connection_health(runtime))


class ConnectionHealth(TypedDict):
    """The arguments that a check result and a check evaluation share."""

    passed: bool
    severity: dg.AssetCheckSeverity
    metadata: dict[str, dg.MetadataValue]


def connection_health(runtime: Runtime) -> ConnectionHealth:
    """Return the health of all connections: every problem with the link that solves it; an error when one is dead."""
    connections = runtime.connections()
    problems = [
        f"{escaped(issue.message)} [{escaped(issue.action)}](<{issue.url}>)"
        for connection in connections for issue in connection.issues
    ]
    is_dead = any(connection.state == "dead" for connection in connections)
    return {
        "passed": not problems, "severity": dg.AssetCheckSeverity.ERROR if is_dead else dg.AssetCheckSeverity.WARN,
        "metadata": {"problems": bullets(problems, empty="none")},
    }
