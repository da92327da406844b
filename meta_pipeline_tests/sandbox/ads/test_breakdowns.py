"""Breakdowns: gated breakdowns, absent values, the hours of a day, and the metrics that a breakdown lacks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from meta_pipeline.sandbox.ads.insights.breakdowns import ADVERTISER_HOUR, AUDIENCE_HOUR, COMBINATIONS, GATED
from meta_pipeline.sandbox.control import control
from meta_pipeline_tests.sandbox.client import (
    EVERY_STATUS,
    advance,
    call,
    days,
    fetch_all,
    fetch_by_report_run,
    new_graph,
    total,
)

ACCOUNT = "act_1000000001"
QUERY: dict[str, Any] = {
    "fields": "ad_id,impressions,clicks,inline_link_clicks,spend,actions,action_values", "level": "ad",
    "time_increment": "1", "filtering": EVERY_STATUS, "time_range": days("2026-11-01", "2026-11-04"), "limit": "5000",
}


def keys(rows: list[dict[str, Any]], names: list[str]) -> Counter[tuple[str | None, ...]]:
    return Counter((row["ad_id"], row["date_start"], *(row.get(name) for name in names)) for row in rows)


@pytest.mark.parametrize("names", [("age",), ("age", "gender"), ("publisher_platform", "platform_position"), ("country",)])
def test_rows_without_a_breakdown_value_are_one_per_day_and_combination_and_add_up(names: tuple[str, ...]) -> None:
    graph = new_graph()
    control(graph, "world", {"absent_breakdowns": True}, {})
    whole, parts = fetch_all(graph, f"{ACCOUNT}/insights", **QUERY), fetch_all(
        graph, f"{ACCOUNT}/insights", breakdowns=",".join(names), **QUERY)

    assert set(keys(parts, list(names)).values()) == {1}
    for name in ("impressions", "clicks", "inline_link_clicks", "spend"):
        assert total(parts, name) == total(whole, name)
    absent = {tuple(name in row for name in names) for row in parts}
    assert absent >= {(True,) * len(names), (False,) * len(names)}
    delivered = {(row["ad_id"], row["date_start"]) for row in whole}
    assert {(row["ad_id"], row["date_start"]) for row in parts if any(name not in row for name in names)} == delivered
    if names == ("age", "gender"):
        assert absent == {(True, True), (True, False), (False, True), (False, False)}


def test_every_value_is_present_until_absent_values_are_configured() -> None:
    graph = new_graph()
    before = fetch_all(graph, f"{ACCOUNT}/insights", breakdowns="age", **QUERY)
    control(graph, "world", {"absent_breakdowns": True}, {})
    after = fetch_all(graph, f"{ACCOUNT}/insights", breakdowns="age", **QUERY)

    assert all("age" in row for row in before) and not all("age" in row for row in after)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-07", 24), ("2026-03-08", 23), ("2025-11-02", 24)])
def test_the_hours_of_a_day_are_those_its_calendar_has(day: str, hours: int) -> None:
    graph, one_day = new_graph(), {**QUERY, "time_range": days(day, day), "level": "account", "filtering": []}
    rows, whole = (fetch_all(graph, f"{ACCOUNT}/insights", **more, **one_day) for more in ({"breakdowns": ADVERTISER_HOUR}, {}))

    labels = [row[ADVERTISER_HOUR] for row in rows]
    assert len(labels) == len(set(labels)) == hours
    assert ("02:00:00 - 02:59:59" in labels) == (hours == 24)
    for name in ("impressions", "clicks", "spend"):
        assert total(rows, name) == total(whole, name)


def test_the_hour_that_occurs_twice_is_one_row_of_two_hours() -> None:
    graph = new_graph()
    share_of_one_oclock = {}
    for day in ("2025-11-01", "2025-11-02"):
        rows = control(graph, "breakdown", None, {"since": day, "until": day, "breakdowns": ADVERTISER_HOUR, "level": "account"})
        mine = [row for row in rows if row["account_id"] == "1000000001"]
        share_of_one_oclock[day] = next(row["impressions"] for row in mine if row[ADVERTISER_HOUR].startswith("01")) / total(mine, "impressions").__float__()

    assert share_of_one_oclock["2025-11-02"] > 1.3 * share_of_one_oclock["2025-11-01"]


@pytest.mark.parametrize("names", sorted(",".join(sorted(combination)) for combination in COMBINATIONS if combination & GATED))
def test_a_gated_breakdown_is_empty_until_the_account_opts_in_and_then_needs_a_report_run(names: str) -> None:
    graph = new_graph()
    assert fetch_all(graph, f"{ACCOUNT}/insights", breakdowns=names, **QUERY) == []
    assert fetch_by_report_run(graph, f"{ACCOUNT}/insights", breakdowns=names, **QUERY)[1] == []

    control(graph, "world", {"opted_in": [ACCOUNT]}, {})
    status, rows = fetch_by_report_run(graph, f"{ACCOUNT}/insights", breakdowns=names, **QUERY)
    whole = fetch_all(graph, f"{ACCOUNT}/insights", **QUERY)

    assert status["async_status"] == "Job Completed"
    assert total(rows, "impressions") == total(whole, "impressions") and total(rows, "spend") == total(whole, "spend")
    assert fetch_all(graph, f"{ACCOUNT}/insights", breakdowns=names, **QUERY) == []
    assert fetch_by_report_run(graph, "act_1000000002/insights", breakdowns=names, **QUERY)[1] == []


@pytest.mark.parametrize(("ads", "most"), [(60, 10), (3, 3)])
def test_gated_report_runs_are_ten_per_day_or_one_per_ad(ads: int, most: int) -> None:
    graph = new_graph(ads=ads)
    control(graph, "world", {"opted_in": [ACCOUNT]}, {})
    query = {**QUERY, "breakdowns": "publisher_platform,impression_device"}
    has_rows = [bool(fetch_by_report_run(graph, f"{ACCOUNT}/insights", **query)[1]) for _ in range(most + 2)]
    assert has_rows == [True] * most + [False] * 2

    advance(graph, hours=25)
    assert fetch_by_report_run(graph, f"{ACCOUNT}/insights", **query)[1]


@pytest.mark.parametrize("names", ["region", ADVERTISER_HOUR])
def test_region_and_hour_have_no_conversions_off_meta(names: str) -> None:
    rows = fetch_all(new_graph(), f"{ACCOUNT}/insights", breakdowns=names, **QUERY)

    types = {action["action_type"] for row in rows for action in row.get("actions", ())}
    assert types == {"link_click", "landing_page_view", "video_view"}
    assert not any("action_values" in row for row in rows)


def test_conversions_off_meta_belong_to_no_product() -> None:
    graph = new_graph()
    rows, whole = (fetch_all(graph, f"{ACCOUNT}/insights", **more, **QUERY) for more in ({"breakdowns": "product_id"}, {}))

    def purchases(rows: list[dict[str, Any]]) -> int:
        actions = [action for row in rows for action in row.get("actions", ())]
        return sum(int(action["value"]) for action in actions if action["action_type"] == "purchase")

    assert purchases(rows) == purchases(whole) > 0
    assert purchases([row for row in rows if "product_id" in row]) == 0
    assert set(keys(rows, ["product_id"]).values()) == {1}
    assert total(rows, "spend") == total(whole, "spend")


def test_an_hour_has_no_reach() -> None:
    query = {**QUERY, "fields": "impressions,reach,frequency,unique_clicks", "breakdowns": ADVERTISER_HOUR}
    rows = fetch_all(new_graph(), f"{ACCOUNT}/insights", **query)

    assert {(row["reach"], row["frequency"]) for row in rows} == {("0", "0")}
    assert not any("unique_clicks" in row for row in rows)


def test_hours_of_the_audience_differ_from_hours_of_the_advertiser() -> None:
    graph = new_graph()
    control(graph, "world", {"opted_in": [ACCOUNT]}, {})
    rows = fetch_by_report_run(graph, f"{ACCOUNT}/insights", breakdowns=AUDIENCE_HOUR, **{**QUERY, "level": "account", "filtering": []})[1]

    assert {row[AUDIENCE_HOUR] for row in rows} == {f"{hour:02d}:00:00 - {hour:02d}:59:59" for hour in range(24)}


@pytest.mark.parametrize("is_absent", [False, True])
@pytest.mark.parametrize("names", [["age", "gender"], ["publisher_platform", "platform_position"], [ADVERTISER_HOUR], ["product_id"]])
def test_the_totals_of_a_breakdown_are_those_of_its_rows(names: list[str], is_absent: bool) -> None:
    graph = new_graph()
    control(graph, "world", {"absent_breakdowns": is_absent}, {})
    rows = fetch_all(graph, f"{ACCOUNT}/insights", breakdowns=names, **QUERY)
    totals = control(graph, "breakdown", None, {"since": "2026-11-01", "until": "2026-11-04", "breakdowns": ",".join(names), "level": "ad"})

    def key(row: dict[str, Any], node: str, day: str) -> tuple[str | None, ...]:
        return (row[node], row[day], *(row.get(name) for name in names))

    from_rows = {key(row, "ad_id", "date_start"): (int(row["impressions"]), int(row["clicks"]), row["spend"]) for row in rows}
    from_totals = {key(row, "id", "day"): (row["impressions"], row["clicks"], row["spend"])
             for row in totals if row["account_id"] == "1000000001"}
    assert from_rows == from_totals


def test_an_invalid_combination_is_refused_by_name() -> None:
    _, body = call(new_graph(), f"{ACCOUNT}/insights", breakdowns="platform_position,impression_device", fields="impressions")

    assert body["error"]["code"] == 100 and "(platform_position, impression_device) is invalid" in body["error"]["message"]
