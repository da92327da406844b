"""dbt's results in the Dagster UI: models that were built, models that read them, failed models, and checks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import dagster as dg

from meta_pipeline.defs.assets.dbt_events import dagster_results
from meta_pipeline.defs.assets.mart_specs import UNIQUE_ID
from meta_pipeline.modelling.runner import DbtRun, NodeResult
from meta_pipeline.modelling.selection import Selection

READS = {"ad_days": [], "ad_report": ["ad_days"], "hour_days": [], "hour_report": ["hour_days"], "dim_ads": []}
MANIFEST = {
    "nodes": {name: {"resource_type": "model", "name": name} for name in READS},
    "parent_map": READS,
}
CHECKS = [
    dg.AssetCheckSpec(name, asset="ad_days", metadata={UNIQUE_ID: name}) for name in ("unique", "late", "lost", "unselected")
]


def result(unique_id: str, status: str, failures: int | None = None) -> NodeResult:
    return NodeResult(unique_id=unique_id, status=status, seconds=0.5, failures=failures)


def shown(run: DbtRun, *, run_nodes: set[str], changed: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    context = SimpleNamespace(
        selected_asset_keys={dg.AssetKey([name]) for name in READS},
        selected_asset_check_keys={spec.key for spec in CHECKS[:3]},
    )
    events = list(
        dagster_results(
            cast(Any, context), run, manifest=MANIFEST, checks=CHECKS, row_counts={"ad_days": 3},
            selection=Selection(frozenset(run_nodes), frozenset(changed)),
        )
    )
    outputs = {event.output_name: dict(event.metadata) for event in events if isinstance(event, dg.Output)}
    return outputs, {str(event.check_name): event for event in events if isinstance(event, dg.AssetCheckResult)}


def test_a_built_table_has_its_row_count_and_models_that_read_it_are_marked_as_changed() -> None:
    outputs, _ = shown(
        DbtRun(invocation_id="I", results=(result("ad_days", "success"),)),
        run_nodes={"ad_days"}, changed={"ad_days", "ad_report"},
    )

    assert outputs["ad_days"]["dagster/row_count"].value == 3 and outputs["ad_days"]["status"].value == "success"
    assert outputs["ad_report"]["status"].value == "reads tables that have changed"
    assert "status" not in outputs["hour_days"] and "status" not in outputs["dim_ads"]


def test_a_failed_model_and_the_models_that_read_it_have_no_output() -> None:
    outputs, _ = shown(
        DbtRun(results=(result("hour_days", "error"),)), run_nodes={"hour_days"}, changed={"hour_days", "hour_report"}
    )

    assert outputs.keys() == {"ad_days", "ad_report", "dim_ads"}


def test_a_check_has_the_severity_and_the_failing_rows_of_its_test() -> None:
    tests = (result("unique", "fail", 2), result("late", "warn", 1), result("lost", "skipped"), result("unselected", "pass", 0))
    _, checks = shown(DbtRun(results=tests), run_nodes=set(), changed=set())

    assert checks.keys() == {"unique", "late"}
    assert [checks[name].passed for name in checks] == [False, False]
    assert checks["unique"].severity is dg.AssetCheckSeverity.ERROR
    assert checks["late"].severity is dg.AssetCheckSeverity.WARN
    assert checks["unique"].metadata["dagster_dbt/failed_row_count"].value == 2
    _, passed = shown(DbtRun(results=(result("unique", "pass", 0),)), run_nodes=set(), changed=set())
    assert passed["unique"].passed
