"""Partitions: a node × its own day, for each kind of node. Keys are labels, never instants."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from meta_pipeline.node_kinds import AD_ACCOUNT, NODE_KINDS, NodeKind
from meta_pipeline.records import ConfigError

# The hot window: every key costs storage in Dagster (100,000 keys an asset is its own advice), so older history is
# landed without moving this day. A day exists as soon as it has begun anywhere on earth: Etc/GMT-14 is UTC+14.
FIRST_DAY = dt.date(2025, 1, 1)
# Of Pages and Instagram accounts, whose two years of history (docs/graph-api.md §3.1) begin earlier.
ORGANIC_FIRST_DAY = dt.date(2024, 11, 1)


def first_day(kind: NodeKind) -> dt.date:
    """Return the first day for which nodes of a kind have a partition."""
    return FIRST_DAY if kind == AD_ACCOUNT else ORGANIC_FIRST_DAY


def _days_from(day: dt.date) -> dg.DailyPartitionsDefinition:
    return dg.DailyPartitionsDefinition(day.isoformat(), timezone="Etc/GMT-14", end_offset=1)


# By name of the kind.
NODES = {kind.name: dg.DynamicPartitionsDefinition(name=kind.partitions) for kind in NODE_KINDS}
NODE_DAYS = {
    kind.name: dg.MultiPartitionsDefinition({kind.name: NODES[kind.name], "day": _days_from(first_day(kind))})
    for kind in NODE_KINDS
}
AD_ACCOUNTS, ACCOUNT_DAYS = NODES[AD_ACCOUNT.name], NODE_DAYS[AD_ACCOUNT.name]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def checked_id(node_id: str, kind: NodeKind) -> str:
    """Return the id; raise ConfigError unless it is of this kind. Dagster accepts keys with `|` or `,`, then fails."""
    if not kind.id_pattern.fullmatch(node_id):
        raise ConfigError(f"{node_id!r} is no {kind.noun}: it must look like {kind.example_id}")
    return node_id


def key(node_id: str, day: dt.date, kind: NodeKind = AD_ACCOUNT) -> dg.MultiPartitionKey:
    """Return the partition key of one node's day. Dagster writes the dimensions in the order of their names:
    `act_1|2026-11-01`, but `2026-11-01|1` for Pages and Instagram accounts."""
    return dg.MultiPartitionKey({kind.name: checked_id(node_id, kind), "day": day.isoformat()})


def range_tags(node_id: str, since: dt.date, until: dt.date, kind: NodeKind = AD_ACCOUNT) -> dict[str, str]:
    """Return the tags with which one Dagster run has a range of a node's days, both inclusive."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: key(node_id, since, kind),
        ASSET_PARTITION_RANGE_END_TAG: key(node_id, until, kind),
    }


def node_tags(node_id: str, kind: NodeKind) -> dict[str, str]:
    """Return the tag of a run's node: at most one run of a node is started at a time (dagster.yaml)."""
    return {f"meta/{kind.name}": node_id}


def days_by_node(partition_keys: Iterable[str]) -> dict[str, list[dt.date]]:
    """Return the days of partition keys of any kind, sorted, by node."""
    grouped: dict[str, list[dt.date]] = {}
    for partition_key in partition_keys:
        first, _, second = partition_key.partition("|")
        day, node_id = (first, second) if _DAY.fullmatch(first) else (second, first)
        grouped.setdefault(node_id, []).append(dt.date.fromisoformat(day))
    return {node_id: sorted(days) for node_id, days in grouped.items()}
