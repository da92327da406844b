"""A hundred thousand partitions: nobody lists them all to read thirty days of one account."""

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
from meta_pipeline.defs.partitions import ACCOUNT_DAYS, AD_ACCOUNTS, days_by_node, key

ACCOUNTS = 150


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


def test_a_run_over_thirty_days_lists_no_other_keys(runtime: Runtime, listed: Counter[str]) -> None:
    with instance(runtime.settings, is_captured=False) as opened:
        opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(ACCOUNTS))
        run(opened, runtime, node_ids(ACCOUNTS)[-1])
        assert not listed

        there = ACCOUNT_DAYS.get_partition_keys(dynamic_partitions_store=opened)
        assert len(there) > 100_000 and listed  # the spy sees it, and there is much to list


def test_a_run_asks_dagster_no_more_with_many_accounts_than_with_one(runtime: Runtime, queries: Counter[str]) -> None:
    query_counts = []
    with instance(runtime.settings, is_captured=False) as opened:
        for accounts in (1, 1, ACCOUNTS):  # the first makes what a home makes once
            opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(accounts))
            queries.clear()
            run(opened, runtime, node_ids(accounts)[-1])
            query_counts.append(queries["queries"])

    assert query_counts[1] > DAYS and abs(query_counts[2] - query_counts[1]) <= 5


def test_the_schedule_asks_the_ledger_once_an_account(runtime: Runtime, listed: Counter[str], queries: Counter[str]) -> None:
    query_counts = {}
    for accounts in (10, ACCOUNTS):
        link(runtime, accounts)
        queries.clear()
        assert evaluate(runtime) == accounts
        query_counts[accounts] = queries["queries"]

    assert not listed
    assert query_counts[ACCOUNTS] - query_counts[10] == ACCOUNTS - 10


def test_keys_say_whose_day_they_are() -> None:
    keys = keys_of(3)

    grouped = days_by_node(keys)
    assert list(grouped) == node_ids(3) and sum(map(len, grouped.values())) == len(keys)


def test_the_days_of_an_account_are_in_order_whatever_the_order_of_the_keys() -> None:
    days = [dt.date(2026, 11, 9), dt.date(2026, 11, 10), dt.date(2026, 12, 1)]
    keys = [str(key(node_id, day)) for day in (days[2], days[0], days[1]) for node_id in ("act_2", "act_1")]

    assert days_by_node(keys) == {"act_2": days, "act_1": days}
