"""Ranges of days: several at once, the reach of a range, and totals as of an earlier moment."""

from __future__ import annotations

import datetime as dt

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline_tests.sandbox.client import EVERY_STATUS, NOW, days, fetch_all, new_graph

ACCOUNT = "act_1000000003"
WEEKS = [days("2026-11-01", "2026-11-07"), days("2026-11-05", "2026-11-10"), days("2026-10-01", "2026-10-31")]
QUERY = {"fields": "campaign_id,adset_id,ad_id,impressions,reach", "filtering": EVERY_STATUS, "limit": "5000"}
IDS = {"account": "account_id", "campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}


def ids_of(row: dict[str, str], level: str) -> str:
    return row.get(IDS[level], ACCOUNT.removeprefix("act_"))


def test_several_ranges_are_reported_each_on_its_own_and_the_increment_is_ignored() -> None:
    graph = new_graph()
    rows = fetch_all(graph, f"{ACCOUNT}/insights", time_ranges=WEEKS, time_increment="1", level="campaign", **QUERY)

    spans = [(row["date_start"], row["date_stop"]) for row in rows]
    assert list(dict.fromkeys(spans)) == [(week["since"], week["until"]) for week in WEEKS]
    for week in WEEKS:
        alone = fetch_all(graph, f"{ACCOUNT}/insights", time_range=week, level="campaign", **QUERY)
        assert alone == [row for row in rows if row["date_start"] == week["since"]] != []


@pytest.mark.parametrize("level", list(IDS))
def test_the_reach_of_a_range_is_less_than_the_sum_of_its_days_and_at_least_the_largest(level: str) -> None:
    graph = new_graph()
    whole = fetch_all(graph, f"{ACCOUNT}/insights", time_range=WEEKS[0], level=level, **QUERY)
    daily = fetch_all(graph, f"{ACCOUNT}/insights", time_range=WEEKS[0], level=level, time_increment="1", **QUERY)

    assert whole
    for row in whole:
        of_days = [int(day["reach"]) for day in daily if ids_of(day, level) == ids_of(row, level)]
        reach = int(row["reach"])
        assert max(of_days) <= reach and (reach < sum(of_days) or len(of_days) == 1)


@pytest.mark.parametrize("level", list(IDS))
def test_the_reach_of_a_range_is_exact_for_every_page_size(level: str) -> None:
    graph = new_graph()
    pages = [fetch_all(graph, f"{ACCOUNT}/insights", **{**QUERY, "limit": limit}, time_range=WEEKS[0], level=level) for limit in ("3", "5000")]
    totals = control(graph, "reach", None, WEEKS[0])[level]

    assert pages[0] == pages[1]
    assert {ids_of(row, level): (int(row["reach"]), int(row["impressions"])) for row in pages[0]} == {
        row["id"]: (row["reach"], row["impressions"]) for row in totals if row["account_id"] == ACCOUNT.removeprefix("act_")
    }


def test_totals_are_available_as_of_an_earlier_moment() -> None:
    graph = new_graph()
    then = NOW - dt.timedelta(days=8)
    graph.fixed_now = then
    earlier = control(graph, "truth", None, days("2026-11-10", "2026-11-11"))
    graph.fixed_now = NOW

    assert control(graph, "truth", None, {**days("2026-11-10", "2026-11-11"), "at": then.isoformat()}) == earlier
    # A bare + in a query string arrives as a space.
    assert control(graph, "truth", None, {**days("2026-11-10", "2026-11-11"), "at": "2026-11-12T12:00:00 00:00"}) == earlier
    assert control(graph, "truth", None, days("2026-11-10", "2026-11-11")) != earlier
