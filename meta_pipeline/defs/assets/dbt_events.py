"""Convert dbt's events to Dagster's: a materialization for each model that changed, a check result for each test."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from meta_pipeline.modelling.selection import Selection

# An output with this metadata is no materialization. Without an output, Dagster skips the publication, which depends on
# every mart.
_UNCHANGED = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}


def dagster_events(
    context: dg.AssetExecutionContext, events: Iterable[Mapping[str, Any]], *, manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator, selection: Selection, row_counts: Mapping[str, int],
) -> Iterator[Any]:
    """Yield outputs of the selected assets, each after those that it reads, then the results of the tests.

    An output is a materialization where dbt built the model (`events`: of its JSON log), or where the model is a view
    whose tables have other rows. There is none for a model that failed, and for those that read it."""
    converted = list(_converted(context, events, manifest=manifest, translator=translator))
    built = {str(event.metadata["unique_id"].value): event for event in converted if isinstance(event, dg.Output)}
    missing: set[str] = set()
    for unique_id in _in_order(manifest):
        node, reads = manifest["nodes"][unique_id], manifest["parent_map"][unique_id]
        if translator.get_asset_key(node) not in context.selected_asset_keys:
            continue
        if unique_id in built:
            yield counted(built[unique_id], row_counts)
        elif unique_id in selection.run or not missing.isdisjoint(reads):
            missing.add(unique_id)
        else:
            output = _output(translator.get_asset_key(node), unique_id, changed=selection.changed)
            yield counted(output, row_counts)
    yield from (event for event in converted if not isinstance(event, dg.Output))


def counted(event: Any, row_counts: Mapping[str, int]) -> Any:
    """Return the output of a table with its number of rows."""
    if not isinstance(event, dg.Output) or "unique_id" not in event.metadata:
        return event
    name = str(event.metadata["unique_id"].value).rpartition(".")[2]
    if name not in row_counts:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": row_counts[name]})


def _converted(
    context: dg.AssetExecutionContext, events: Iterable[Mapping[str, Any]], *, manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
) -> Iterator[Any]:
    for event in events:
        message = DbtCoreCliEventMessage(raw_event=dict(event), event_history_metadata={})
        yield from message.to_default_asset_events(manifest, translator, context)


def _output(key: dg.AssetKey, unique_id: str, *, changed: Collection[str]) -> dg.Output[None]:
    is_changed = unique_id in changed
    metadata: dict[str, Any] = (
        {"unique_id": unique_id, "status": "reads tables that have changed"} if is_changed else _UNCHANGED
    )
    return dg.Output(None, output_name=key.to_python_identifier(), metadata=metadata)


def _in_order(manifest: Mapping[str, Any]) -> list[str]:
    """Return the models and seeds, each after those that it reads: Dagster requires outputs in this order."""
    assets = {
        unique_id for unique_id, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")
    }
    reads = {unique_id: assets & set(manifest["parent_map"].get(unique_id, ())) for unique_id in sorted(assets)}
    return list(graphlib.TopologicalSorter(reads).static_order())
