"""Convert dbt's events to Dagster's: a materialization for each model that changed, a check result for each test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

# An output with this metadata is no materialization. Without an output, Dagster skips the publication, which depends on
# every mart.
_UNCHANGED = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}


def dagster_events(
    context: dg.AssetExecutionContext, events: Iterable[Mapping[str, Any]], *, manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator, changed: Iterable[str], row_counts: Mapping[str, int],
) -> Iterator[Any]:
    """Yield the outputs and check results of what dbt ran (`events`: of its JSON log); a materialization of each other
    model in `changed`, views whose tables have other rows; and an output of every other selected asset, as which it
    stays what it was."""
    materialized: set[str] = set()
    for event in events:
        message = DbtCoreCliEventMessage(raw_event=dict(event), event_history_metadata={})
        for converted in message.to_default_asset_events(manifest, translator, context):
            if isinstance(converted, dg.Output):
                materialized.add(converted.output_name)
            yield counted(converted, row_counts)
    keys = context.selected_asset_keys
    for unique_id in sorted(changed):
        key = translator.get_asset_key(manifest["nodes"][unique_id])
        if key in keys and (name := key.to_python_identifier()) not in materialized:
            materialized.add(name)
            metadata = {"unique_id": unique_id, "status": "reads tables that have changed"}
            yield counted(dg.Output(None, output_name=name, metadata=metadata), row_counts)
    for name in sorted(key.to_python_identifier() for key in keys):
        if name not in materialized:
            yield dg.Output(None, output_name=name, metadata=_UNCHANGED)


def counted(event: Any, row_counts: Mapping[str, int]) -> Any:
    """Return the output of a table with its number of rows."""
    if not isinstance(event, dg.Output) or "unique_id" not in event.metadata:
        return event
    name = str(event.metadata["unique_id"].value).rpartition(".")[2]
    if name not in row_counts:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": row_counts[name]})
