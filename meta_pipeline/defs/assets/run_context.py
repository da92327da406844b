"""The context of a landing run: its backfill, its purpose, and the context of its pulls."""

from __future__ import annotations

import dataclasses
import datetime as dt

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.partitions import days_by_node
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import Purpose
from meta_pipeline.vault.vault import Vault


def pull_context_of(
    context: dg.AssetExecutionContext, graph: GraphClient, tokens: Vault, runtime: Runtime
) -> PullContext:
    """Return the context of this run's pulls; it fetches through the run's own resources."""
    pull_context = runtime.pull_context(
        run_id=context.run.run_id, backfill_id=backfill_of(context), purpose=purpose_of(context)
    )
    return dataclasses.replace(pull_context, graph=graph, tokens=tokens)


def backfill_of(context: dg.AssetExecutionContext) -> str:
    """Return the id of the run's backfill: ours, one started in the UI, or else the id of the run itself."""
    tags = context.run.tags
    return str(tags.get("meta/backfill") or tags.get("dagster/backfill") or context.run.run_id)


def purpose_of(context: dg.AssetExecutionContext) -> Purpose:
    """Return "daily" for a schedule's run, for which every budget has a reserve; "backfill" for any other run."""
    return "daily" if context.run.tags.get("dagster/schedule_name") else "backfill"


def days_of_backfill(context: dg.AssetExecutionContext) -> dict[str, list[dt.date]]:
    """Return every day, by node, that the Dagster backfill of this run requests of the run's reports.

    How Dagster cuts a backfill into runs (20 accounts × 10 days become 10 runs of a day each) must not decide how many
    calls it costs, so the first run of a node lands all of them."""
    backfill_id = context.run.tags.get("dagster/backfill")
    backfill = context.instance.get_backfill(backfill_id) if backfill_id else None
    if backfill is None or backfill.asset_backfill_data is None:
        return {}
    target = backfill.asset_backfill_data.target_subset
    partition_keys: set[str] = set()
    for asset_key in context.selected_asset_keys:
        if asset_key in target.asset_keys:
            partition_keys |= set(target.get_partitions_subset(asset_key).get_partition_keys())
    return days_by_node(sorted(partition_keys))
