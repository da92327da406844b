"""Prepare Dagster's storage for the runs of a backfill."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from meta_pipeline.defs.partitions import NODES, checked_id
from meta_pipeline.defs.runs.killed_runs import reap
from meta_pipeline.node_kinds import NODE_KINDS


def add_partitions_of(instance: dg.DagsterInstance, nodes: Sequence[tuple[str, str]]) -> None:
    """Mark killed runs as failed, and add a partition for each node (name of its kind, id) that has none."""
    reap(instance)
    for kind in NODE_KINDS:
        node_ids = {checked_id(node_id, kind) for name, node_id in nodes if name == kind.name}
        instance.add_dynamic_partitions(str(NODES[kind.name].name), sorted(node_ids))
