"""A hundred thousand partitions: a run over thirty days of one account does not list them all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from harness.partitions import DAYS, evaluate, keys_of, link, node_ids, run
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.partitions import AD_ACCOUNTS, NODE_DAYS, NODES, checked_id, days_by_node, key, range_tags
from meta_pipeline.node_kinds import AD_ACCOUNT, NODE_KINDS, PAGE, NodeKind
from meta_pipeline.records import ConfigError

ACCOUNTS = 150
BY_KIND = pytest.mark.parametrize("kind", NODE_KINDS, ids=lambda kind: str(kind.name))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often all keys were listed."""
    counted: Counter[str] = Counter()
    true = dg.MultiPartitionsDefinition.get_partition_keys

    def spy(self: dg.MultiPartitionsDefinition, *arguments: Any, **more: Any) -> Sequence[str]:
        counted["listed"] += 1
        return true(self, *arguments, **more)

    monkeypatch.setattr(dg.MultiPartitionsDefinition, "get_partition_keys", spy)
    return counted


@pytest.fixture
def queries() -> Iterator[Counter[str]]:
    """Count the queries to all stores."""
    counted: Counter[str] = Counter()

    def count(*_: object) -> None:
        counted["queries"] += 1

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", count)
    yield counted
    sa.event.remove(sa.engine.Engine, "before_cursor_execute", count)


@BY_KIND
def test_a_run_over_thirty_days_lists_no_other_keys(runtime: Runtime, listed: Counter[str], kind: NodeKind) -> None:
    with instance(runtime.settings, is_captured=False) as opened:
        opened.add_dynamic_partitions(str(NODES[kind.name].name), node_ids(ACCOUNTS, kind))
        run(opened, runtime, node_ids(ACCOUNTS, kind)[-1], kind)
        assert not listed

        all_keys = NODE_DAYS[kind.name].get_partition_keys(dynamic_partitions_store=opened)
        assert len(all_keys) > 100_000 and listed  # the spy counts a listing, and there are many keys to list


def test_a_run_sends_no_more_queries_with_many_accounts_than_with_one(runtime: Runtime, queries: Counter[str]) -> None:
    query_counts = []
    with instance(runtime.settings, is_captured=False) as opened:
        for accounts in (1, 1, ACCOUNTS):  # the first run creates what a home needs once
            opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(accounts))
            queries.clear()
            run(opened, runtime, node_ids(accounts)[-1])
            query_counts.append(queries["queries"])

    assert query_counts[1] > DAYS and abs(query_counts[2] - query_counts[1]) <= 5


def test_the_schedule_queries_the_ledger_once_per_account(runtime: Runtime, listed: Counter[str], queries: Counter[str]) -> None:
    query_counts = {}
    for accounts in (10, ACCOUNTS):
        link(runtime, accounts)
        queries.clear()
        assert evaluate(runtime) == accounts
        query_counts[accounts] = queries["queries"]

    assert not listed
    assert query_counts[ACCOUNTS] - query_counts[10] == ACCOUNTS - 10


@BY_KIND
def test_keys_are_grouped_by_their_node(kind: NodeKind) -> None:
    keys = keys_of(3, kind)

    grouped = days_by_node(keys)
    assert list(grouped) == node_ids(3, kind) and sum(map(len, grouped.values())) == len(keys)


@BY_KIND
def test_the_days_of_a_node_are_in_order_whatever_the_order_of_the_keys(kind: NodeKind) -> None:
    days = [dt.date(2026, 11, 9), dt.date(2026, 11, 10), dt.date(2026, 12, 1)]
    first, second = node_ids(2, kind)
    keys = [str(key(node_id, day, kind)) for day in (days[2], days[0], days[1]) for node_id in (second, first)]

    assert days_by_node(keys) == {second: days, first: days}


@BY_KIND
def test_dagster_parses_the_keys_and_ranges_that_are_written(kind: NodeKind) -> None:
    node_id, since, until = node_ids(1, kind)[0], dt.date(2026, 10, 31), dt.date(2026, 11, 2)
    with dg.DagsterInstance.ephemeral() as opened:
        opened.add_dynamic_partitions(str(NODES[kind.name].name), node_ids(2, kind))
        start, end = range_tags(node_id, since, until, kind).values()
        keys = NODE_DAYS[kind.name].get_partition_keys_in_range(
            dg.PartitionKeyRange(start, end), dynamic_partitions_store=opened
        )

    # Dagster writes dimensions by name: `ad_account` comes before `day`, `page` after it.
    assert str(key(node_id, since, kind)) == (
        f"{node_id}|2026-10-31" if kind == AD_ACCOUNT else f"2026-10-31|{node_id}"
    )
    assert days_by_node(keys) == {node_id: [since, dt.date(2026, 11, 1), until]}


@pytest.mark.parametrize(
    ("node_id", "kind"), [("1", AD_ACCOUNT), ("act_1|2", AD_ACCOUNT), ("act_1", PAGE), ("1,2", PAGE), ("1\n", PAGE)]
)
def test_an_id_of_another_kind_is_refused(node_id: str, kind: NodeKind) -> None:
    with pytest.raises(ConfigError, match=f"is no {kind.noun}"):
        checked_id(node_id, kind)
