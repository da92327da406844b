"""Convert dbt's results to Dagster's: a materialization for each model that changed, a check result for each test."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from meta_pipeline.defs.assets.mart_specs import UNIQUE_ID, asset_key_of
from meta_pipeline.modelling.runner import DbtRun, NodeResult
from meta_pipeline.modelling.selection import Selection

# An output with this metadata is not a materialization. Without an output, Dagster would skip the publication, which
# depends on every mart.
_UNCHANGED = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
_BUILT = ("success", "warn", "no-op", "reused")


def dagster_results(
    context: dg.AssetExecutionContext, run: DbtRun, *, manifest: Mapping[str, Any],
    checks: Sequence[dg.AssetCheckSpec], selection: Selection, row_counts: Mapping[str, int],
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Yield outputs of the selected assets, each after those that it reads, then the results of the selected checks.

    An output is a materialization if dbt built the model, or if the model is a view whose tables have changed. A model
    that failed has no output, and neither have the models that read it."""
    results = {result.unique_id: result for result in run.results}
    missing: set[str] = set()
    for unique_id in _in_order(manifest):
        key, reads = asset_key_of(manifest["nodes"][unique_id]), manifest["parent_map"][unique_id]
        if key not in context.selected_asset_keys:
            continue
        result = results.get(unique_id)
        if result is not None and result.status in _BUILT:
            metadata = _metadata(result, run)
        elif unique_id in selection.run or not missing.isdisjoint(reads):
            missing.add(unique_id)
            continue
        elif unique_id in selection.changed:
            metadata = {"unique_id": unique_id, "status": "reads tables that have changed"}
        else:
            metadata = _UNCHANGED
        yield dg.Output(None, output_name=key.to_python_identifier(), metadata=_counted(metadata, row_counts))
    for spec in checks:
        result = results.get(str(spec.metadata[UNIQUE_ID]))
        if result is not None and result.status != "skipped" and spec.key in context.selected_asset_check_keys:
            yield _check_result(spec, result, run)


def _check_result(spec: dg.AssetCheckSpec, result: NodeResult, run: DbtRun) -> dg.AssetCheckResult:
    failures = {} if result.failures is None else {"dagster_dbt/failed_row_count": result.failures}
    return dg.AssetCheckResult(
        passed=result.status == "pass", asset_key=spec.asset_key, check_name=spec.name,
        severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={**_metadata(result, run), **failures},
    )


def _metadata(result: NodeResult, run: DbtRun) -> dict[str, Any]:
    return {
        "unique_id": result.unique_id, "invocation_id": run.invocation_id, "status": result.status,
        "Execution Duration": result.seconds,
    }


def _counted(metadata: Mapping[str, Any], row_counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the metadata of a table with its number of rows."""
    name = str(metadata.get("unique_id", "")).rpartition(".")[2]
    return {**metadata, **({"dagster/row_count": row_counts[name]} if name in row_counts else {})}


def _in_order(manifest: Mapping[str, Any]) -> list[str]:
    """Return the models and seeds, each after those that it reads: Dagster requires outputs in this order."""
    assets = {
        unique_id for unique_id, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")
    }
    reads = {unique_id: assets & set(manifest["parent_map"].get(unique_id, ())) for unique_id in sorted(assets)}
    return list(graphlib.TopologicalSorter(reads).static_order())
