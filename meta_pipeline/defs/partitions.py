"""Partitions: ad account × the account's own day. Keys are labels, never instants."""

from __future__ import annotations

import datetime as dt
import re

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from meta_pipeline.records import ConfigError

# The hot window: every key costs storage in Dagster (100,000 keys an asset is its own advice), so older history is
# landed without moving this day. A day exists as soon as it has begun anywhere on earth: Etc/GMT-14 is UTC+14.
FIRST_DAY = dt.date(2025, 1, 1)

AD_ACCOUNTS = dg.DynamicPartitionsDefinition(name="ad_accounts")
DAYS = dg.DailyPartitionsDefinition(FIRST_DAY.isoformat(), timezone="Etc/GMT-14", end_offset=1)
ACCOUNT_DAYS = dg.MultiPartitionsDefinition({"ad_account": AD_ACCOUNTS, "day": DAYS})

_AD_ACCOUNT = re.compile(r"act_[0-9]+")


def checked_account(node_id: str) -> str:
    """Return the id; ConfigError unless it is `act_<digits>`. Dagster accepts keys with `|` or `,` and then breaks."""
    if not _AD_ACCOUNT.fullmatch(node_id):
        raise ConfigError(f"{node_id!r} is no ad account: it must look like act_1234567890")
    return node_id


def key(node_id: str, day: dt.date) -> dg.MultiPartitionKey:
    """Return the partition key of one account's day."""
    return dg.MultiPartitionKey({"ad_account": checked_account(node_id), "day": day.isoformat()})


def range_tags(node_id: str, since: dt.date, until: dt.date) -> dict[str, str]:
    """Return the tags by which Dagster gives one run a range of an account's days, both inclusive."""
    return {ASSET_PARTITION_RANGE_START_TAG: key(node_id, since), ASSET_PARTITION_RANGE_END_TAG: key(node_id, until)}


def days_by_account(partition_keys: list[str]) -> dict[str, list[dt.date]]:
    """Return the days of partition keys, sorted, by account."""
    grouped: dict[str, list[dt.date]] = {}
    for partition_key in partition_keys:
        node_id, _, day = partition_key.partition("|")
        grouped.setdefault(node_id, []).append(dt.date.fromisoformat(day))
    return {node_id: sorted(days) for node_id, days in grouped.items()}
