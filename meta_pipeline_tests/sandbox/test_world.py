"""All queries over the same deliveries agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from meta_pipeline.sandbox.ads.insights.breakdowns import COMBINATIONS, GATED
from meta_pipeline.sandbox.ads.insights.totals import daily_totals
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import NOW, call, days, total


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(seed=1, now=NOW)


def fetch(graph: Graph, **params: Any) -> list[dict[str, Any]]:
    query: dict[str, Any] = {
        "fields": "spend,impressions,clicks,reach", "limit": "5000", "time_increment": "1",
        "time_range": days("2026-11-01", "2026-11-05"),
    }
    rows: list[dict[str, Any]] = call(graph, "act_1000000004/insights", **{**query, **params})[1]["data"]
    return rows


@pytest.mark.parametrize("breakdowns", sorted(",".join(sorted(names)) for names in COMBINATIONS if not names & GATED))
def test_a_breakdown_adds_up_to_the_total(graph: Graph, breakdowns: str) -> None:
    whole, parts = fetch(graph, level="account"), fetch(graph, level="account", breakdowns=breakdowns)

    for name in ("spend", "impressions", "clicks"):
        assert total(whole, name) == total(parts, name)


def test_deleted_ads_are_in_the_account_and_not_in_the_default_ad_level(graph: Graph) -> None:
    statuses = ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"]
    every_status = [{"field": "ad.effective_status", "operator": "IN", "value": statuses}]
    whole, default = fetch(graph, level="account"), fetch(graph, level="ad")

    assert total(default, "spend") < total(whole, "spend")
    assert total(fetch(graph, level="ad", filtering=every_status), "spend") == total(whole, "spend") != Decimal(0)


def test_reach_does_not_add_up(graph: Graph) -> None:
    assert total(fetch(graph, level="account"), "reach") < total(fetch(graph, level="ad"), "reach")


def test_young_days_grow_and_old_days_are_frozen() -> None:
    day, impressions = dt.date(2026, 11, 3), []
    for age in (0, 5, 27, 28, 60):
        graph = Graph(seed=1, now=dt.datetime(2026, 11, 5, 23, tzinfo=dt.UTC) + dt.timedelta(days=age))
        rows = daily_totals(graph.world, since=day, until=day, at=graph.now())["account"]
        impressions.append(sum(row["impressions"] for row in rows))

    assert impressions[0] < impressions[1] < impressions[2] <= impressions[3] == impressions[4]


def test_a_day_that_has_not_begun_has_no_rows(graph: Graph) -> None:
    future = days("2026-11-21", "2026-11-25")

    assert call(graph, "act_1000000001/insights", time_range=future)[1]["data"] == []
