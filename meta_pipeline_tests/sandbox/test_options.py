"""The options of a world: its size, time zones, currencies, drift, and the data limits of a call."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from meta_pipeline.sandbox.app import create_app
from meta_pipeline.sandbox.control import control
from meta_pipeline_tests.sandbox.client import (
    EVERY_STATUS,
    NOW,
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
    "level": "ad", "time_increment": "1", "limit": "5000", "time_range": days("2026-11-01", "2026-11-03"),
    "fields": "ad_id,ad_name,impressions,spend,actions,action_values", "filtering": EVERY_STATUS,
}


@pytest.mark.parametrize("ads", [1, 25, 60, 120, 2500])
def test_an_account_has_as_many_ads_as_configured(ads: int) -> None:
    graph = create_app(now=NOW, ads=ads).state.graph

    assert {len(graph.world.ads_of(id)) for id in graph.world.accounts} == {0, ads}
    assert len(graph.world.ads) == 5 * ads and len(graph.world.ad_sets) == 100


def test_a_larger_world_contains_the_smaller_one() -> None:
    small, large = ({row["ad_id"]: row for row in fetch_all(new_graph(ads=ads), f"{ACCOUNT}/insights", **{**QUERY, "time_increment": "all_days"})}
                    for ads in (60, 120))

    assert small.items() <= large.items() and len(large) > len(small) > 0


@pytest.mark.parametrize("at", ["2026-11-20T10:00:00+00:00", "2026-11-20"])
def test_an_account_moves_to_another_time_zone(at: str) -> None:
    graph = new_graph()
    moved = {"timezone_changes": {ACCOUNT: {"at": at, "timezone": "Pacific/Auckland"}}}
    control(graph, "world", moved, {})
    fields = "timezone_name,timezone_offset_hours_utc"
    readings = []
    for hour in (7, 12):
        graph.fixed_now = NOW.replace(hour=hour)
        node = call(graph, ACCOUNT, fields=fields)[1]
        today = fetch_all(graph, f"{ACCOUNT}/insights", date_preset="today", fields="impressions", level="account")
        readings.append((node["timezone_name"], node["timezone_offset_hours_utc"], [row["date_start"] for row in today]))

    assert readings == [("America/Los_Angeles", -8.0, ["2026-11-19"]), ("Pacific/Auckland", 13.0, ["2026-11-21"])]


def test_days_that_have_begun_stay_when_an_account_moves_west() -> None:
    graph, account = new_graph(), "act_1000000005"
    moved = {"timezone_changes": {account: {"at": "2026-11-20T20:00:00+00:00", "timezone": "America/Los_Angeles"}}}
    control(graph, "world", moved, {})
    impressions = []
    for hours in (7, 8, 14, 22, 30):  # 8: 09:00 of the 21st in Auckland, and noon of the 20th in Los Angeles
        graph.fixed_now = NOW + dt.timedelta(hours=hours)
        rows = fetch_all(graph, f"{account}/insights", time_range=days("2026-11-21", "2026-11-21"), level="account", fields="impressions")
        impressions.append(total(rows, "impressions"))

    assert 0 < impressions[0] < impressions[1] == impressions[2] == impressions[3] < impressions[4]


def test_a_currency_has_its_own_smallest_unit() -> None:
    graph = new_graph()
    world = control(graph, "world", {"add_accounts": [{"currency": "KWD", "timezone": "Asia/Kuwait", "name": "Northwind Kuwait"}]}, {})
    budgets = {}
    for account in (ACCOUNT, "act_1000000004", world["accounts"][-1]):
        node = call(graph, account, fields="currency,timezone_name,min_daily_budget,amount_spent")[1]
        budget = call(graph, f"{account}/adsets", fields="daily_budget", limit="1")[1]["data"][0]["daily_budget"]
        budgets[node["currency"]] = (budget, node["min_daily_budget"])
    spent = fetch_all(graph, f"{world['accounts'][-1]}/insights", **QUERY)

    assert budgets == {"USD": ("50000", 100), "JPY": ("5000", 1), "KWD": ("500000", 1000)}
    assert world["accounts"][-1] == "act_1000000901" and total(spent, "spend") > 0
    assert len(fetch_all(graph, "me/adaccounts", fields="currency", limit="50")) == 7


@pytest.mark.parametrize(
    ("drift", "shown"),
    [
        ("new_field", lambda row: row.get("new_metric") == "1"),
        ("new_action", lambda row: "onsite_conversion.new_action" in {action["action_type"] for action in row["actions"]}),
        ("new_window", lambda row: all(action.get("3d_click") == action["value"] for action in row["actions"])),
        ("numbers", lambda row: isinstance(row["ad_id"], int) and isinstance(row["impressions"], int)
            and isinstance(row["spend"], int | float) and isinstance(row["ad_name"], str)
            and isinstance(row["actions"][0]["value"], int) and isinstance(row["date_start"], str)),
    ],
)
def test_rows_drift_as_configured(drift: str, shown: Callable[[dict[str, Any]], bool]) -> None:
    graph = new_graph()
    before = fetch_all(graph, f"{ACCOUNT}/insights", **QUERY)
    control(graph, "world", {"drift": [drift]}, {})
    rows = fetch_all(graph, f"{ACCOUNT}/insights", **QUERY)

    assert all(shown(row) for row in rows if "actions" in row)
    assert not any(shown(row) for row in before if "actions" in row)
    assert total(rows, "impressions") == total(before, "impressions")
    control(graph, "world", {"drift": []}, {})
    assert fetch_all(graph, f"{ACCOUNT}/insights", **QUERY) == before


def test_a_day_of_one_ad_is_too_much_until_its_fields_are_split() -> None:
    graph = new_graph()
    one_day = {**QUERY, "time_range": days("2026-11-01", "2026-11-01"), "filtering": []}
    ad_id = fetch_all(graph, f"{ACCOUNT}/insights", **one_day)[0]["ad_id"]
    control(graph, "limits", {"data_points_a_request": 4}, {})

    response, body = call(graph, f"{ad_id}/insights", **one_day)
    assert (response.status, body["error"]["code"], body["error"]["error_subcode"]) == (400, 100, 1487534)
    status, rows = fetch_by_report_run(graph, f"{ad_id}/insights", **one_day)
    assert (status["async_status"], status["error_code"], status["error_subcode"]) == ("Job Failed", -3, 1504045)
    assert rows == []
    for fields in ("ad_id,impressions,spend", "ad_id,actions,action_values"):
        assert call(graph, f"{ad_id}/insights", **{**one_day, "fields": fields})[0].status == 200
        assert fetch_by_report_run(graph, f"{ad_id}/insights", **{**one_day, "fields": fields})[1]


def test_a_page_may_be_as_long_as_its_bytes_allow() -> None:
    graph = new_graph()
    query = {**QUERY, "breakdowns": "age,gender"}
    size = len(call(graph, f"{ACCOUNT}/insights", **query)[0].content)
    control(graph, "limits", {"page_bytes": size}, {})
    assert call(graph, f"{ACCOUNT}/insights", **query)[0].status == 200
    control(graph, "limits", {"page_bytes": size // 2}, {})

    assert call(graph, f"{ACCOUNT}/insights", **query)[1]["error"]["error_subcode"] == 1487534
    assert call(graph, f"{ACCOUNT}/insights", **{**query, "limit": "600"})[0].status == 200


def test_rows_of_today_change_with_the_hour_only() -> None:
    graph = new_graph()
    today = {**QUERY, "date_preset": "today", "level": "account", "filtering": [], "time_range": ""}
    first = call(graph, f"{ACCOUNT}/insights", **today)[1]["data"]
    advance(graph, minutes=59)
    assert call(graph, f"{ACCOUNT}/insights", **today)[1]["data"] == first
    advance(graph, minutes=2)

    assert total(call(graph, f"{ACCOUNT}/insights", **today)[1]["data"], "impressions") > total(first, "impressions")


def test_a_world_has_as_many_rows_as_configured() -> None:
    graph = new_graph(ads=120)
    october = {**QUERY, "time_range": days("2026-10-01", "2026-10-03")}
    usual = fetch_all(graph, f"{ACCOUNT}/insights", **october)
    control(graph, "world", {"is_daily": True, "breakdown_values": {"age": 2, "gender": 3, "platform_position": 2}}, {})
    rows = {
        names: fetch_all(graph, f"{ACCOUNT}/insights", **october, breakdowns=names)
        for names in ("age,gender", "publisher_platform,platform_position", "country")
    }

    assert len(usual) < 360 == len(fetch_all(graph, f"{ACCOUNT}/insights", **october))
    # A position belongs to a platform: Facebook has both of the first two, Instagram and the network have one or none.
    assert {names: len(of_names) for names, of_names in rows.items()} == {
        "age,gender": 360 * 6, "publisher_platform,platform_position": 360 * 4, "country": 360 * 5}
    assert {row["age"] for row in rows["age,gender"]} == {"18-24", "25-34"}
    assert len({total(of_names, "impressions") for of_names in rows.values()}) == 1
    control(graph, "world", {"is_daily": False, "breakdown_values": {}}, {})
    assert fetch_all(graph, f"{ACCOUNT}/insights", **october) == usual


def test_a_scenario_configures_a_world() -> None:
    plan = [{"world": {"absent_breakdowns": True, "opted_in": [ACCOUNT]}}, {"limits": {"page_bytes": 7}},
            {"entities": [{"id": "12021001000000001", "name": "Ordered"}]}, {"fault": "500", "path": "me"}]
    graph = create_app(now=NOW, scenario=json.loads(json.dumps(plan))).state.graph

    assert graph.world.options.absent_breakdowns and graph.world.options.opted_in == {"1000000001"}
    assert graph.limits.settings.page_bytes == 7 and graph.world.campaigns["12021001000000001"].name == "Ordered"
    assert len(graph.faults.planned) == 1


@pytest.mark.parametrize("options", [{"colour": 1}, {"drift": ["x"]}, {"breakdown_values": {"age": 0}}, {"timezone_changes": {ACCOUNT: {"at": "2026-11-20", "timezone": "Mars/Base"}}}])
def test_an_invalid_option_is_refused_and_changes_nothing(options: dict[str, Any]) -> None:
    graph = new_graph()
    before = control(graph, "world", {}, {})
    with pytest.raises((KeyError, ValueError)):
        control(graph, "world", options, {})

    assert control(graph, "world", {}, {}) == before
