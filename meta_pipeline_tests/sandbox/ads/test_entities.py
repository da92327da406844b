"""Entities that people edit, create and delete."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import EVERY_STATUS, NOW, call, days, fetch_all, new_graph

ACCOUNT = "act_1000000001"
CAMPAIGN, AD_SET, AD = "12021001000000001", "12022001000000001", "12023001000000001"
LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def graph() -> Graph:
    return new_graph()


@pytest.fixture
def active_ad(graph: Graph) -> dict[str, str]:
    """Return the ids of an active ad and of its parents."""
    ads = call(graph, f"{ACCOUNT}/ads", fields="id,adset_id,campaign_id", limit="500", effective_status=["ACTIVE"])[1]["data"]
    return {name: str(ads[0][name]) for name in ("id", "adset_id", "campaign_id")}


def test_an_edit_shows_in_the_node_and_its_time(graph: Graph, active_ad: dict[str, str]) -> None:
    campaign_id = active_ad["campaign_id"]
    before = call(graph, campaign_id, fields="name,updated_time,daily_budget")[1]
    graph.fixed_now = LATER
    control(graph, "entities", {"id": campaign_id, "name": "Café in spring", "daily_budget": "120000"}, {})
    after = call(graph, campaign_id, fields="name,updated_time,daily_budget")[1]

    assert after == {"id": campaign_id, "name": "Café in spring", "daily_budget": "120000",
                     "updated_time": "2026-11-21T04:00:00-0800"}
    assert before["name"] != after["name"] and "daily_budget" not in before


def test_rows_of_insights_have_the_new_name(graph: Graph, active_ad: dict[str, str]) -> None:
    query = {"level": "ad", "fields": "ad_id,ad_name,spend", "time_range": days("2026-11-01", "2026-11-05"), "limit": "5000"}
    spent = {row["ad_id"]: row["spend"] for row in fetch_all(graph, f"{ACCOUNT}/insights", **query)}
    control(graph, "entities", {"id": active_ad["id"], "name": "Renamed"}, {})
    rows = fetch_all(graph, f"{ACCOUNT}/insights", **query)

    assert {row["ad_name"] for row in rows if row["ad_id"] == active_ad["id"]} == {"Renamed"}
    assert {row["ad_id"]: row["spend"] for row in rows} == spent


@pytest.mark.parametrize(("edge", "key", "kind"), [("ads", "id", "ad"), ("adsets", "adset_id", "adset"), ("campaigns", "campaign_id", "campaign")])
@pytest.mark.parametrize("has_prefix", [True, False])
def test_only_entities_edited_since_are_listed(graph: Graph, active_ad: dict[str, str], edge: str, key: str, kind: str, has_prefix: bool) -> None:
    graph.fixed_now = LATER
    control(graph, "entities", {"id": active_ad[key], "name": "Renamed"}, {})

    def since(at: dt.datetime) -> list[str]:
        rule = {"field": f"{kind}.updated_time" if has_prefix else "updated_time", "operator": "GREATER_THAN", "value": int(at.timestamp())}
        return [row["id"] for row in fetch_all(graph, f"{ACCOUNT}/{edge}", fields="id", filtering=[rule], limit="500")]

    assert since(LATER - dt.timedelta(seconds=1)) == [active_ad[key]]
    assert since(LATER) == []


def test_updated_since_lists_the_edited_ads(graph: Graph, active_ad: dict[str, str]) -> None:
    graph.fixed_now = LATER
    control(graph, "entities", {"id": active_ad["id"], "name": "Renamed"}, {})

    ads = fetch_all(graph, f"{ACCOUNT}/ads", fields="id", updated_since=str(int(LATER.timestamp())))
    assert ads == [{"id": active_ad["id"]}]


def test_a_paused_campaign_stops_its_ads_from_the_next_day_until_it_is_resumed(graph: Graph, active_ad: dict[str, str]) -> None:
    campaign_id = active_ad["campaign_id"]

    def delivered() -> set[str]:
        query = {"level": "campaign", "fields": "impressions", "time_increment": "1", "time_range": days("2026-11-19", "2026-11-30")}
        return {row["date_start"] for row in fetch_all(graph, f"{campaign_id}/insights", **query)}

    control(graph, "entities", {"id": campaign_id, "status": "PAUSED"}, {})
    ad = call(graph, active_ad["id"], fields="status,effective_status")[1]
    graph.fixed_now = NOW + dt.timedelta(days=6)
    paused = delivered()
    control(graph, "entities", {"id": campaign_id, "status": "ACTIVE"}, {})
    graph.fixed_now = NOW + dt.timedelta(days=9)

    assert (ad["status"], ad["effective_status"]) == ("ACTIVE", "CAMPAIGN_PAUSED")
    assert paused == {"2026-11-19", "2026-11-20"}
    assert delivered() == {"2026-11-19", "2026-11-20", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"}


def test_a_deleted_ad_is_read_only_by_its_id_and_its_spend_stays(graph: Graph, active_ad: dict[str, str]) -> None:
    ad_id = active_ad["id"]
    query = {"level": "ad", "fields": "ad_id,spend", "time_range": days("2026-11-01", "2026-11-19"), "limit": "5000"}
    account = {**query, "level": "account", "fields": "spend"}
    before = fetch_all(graph, f"{ACCOUNT}/insights", **account)
    control(graph, "entities", {"id": ad_id, "status": "DELETED"}, {})

    assert ad_id not in {row["id"] for row in fetch_all(graph, f"{ACCOUNT}/ads", fields="id", limit="500")}
    assert call(graph, ad_id, fields="effective_status")[1]["effective_status"] == "DELETED"
    assert ad_id not in {row["ad_id"] for row in fetch_all(graph, f"{ACCOUNT}/insights", **query)}
    assert ad_id in {row["ad_id"] for row in fetch_all(graph, f"{ACCOUNT}/insights", **query, filtering=EVERY_STATUS)}
    assert fetch_all(graph, f"{ACCOUNT}/insights", **account) == before


def test_a_new_ad_is_listed_and_delivers_from_its_day_on(graph: Graph, active_ad: dict[str, str]) -> None:
    created = control(graph, "entities", {"create": "ad", "adset_id": active_ad["adset_id"], "name": "Reel Ä"}, {})
    listed = fetch_all(graph, f"{ACCOUNT}/ads", fields="id,name,created_time", limit="500")
    graph.fixed_now = NOW + dt.timedelta(days=20)
    query = {"fields": "ad_name,impressions", "time_increment": "1", "time_range": days("2026-11-01", "2026-12-10")}
    rows = fetch_all(graph, f"{created['id']}/insights", **query, limit="500")

    assert {"id": created["id"], "name": "Reel Ä", "created_time": "2026-11-20T04:00:00-0800"} in listed
    assert len(created["id"]) == len(active_ad["id"])
    assert rows and min(row["date_start"] for row in rows) >= "2026-11-20"
    assert {row["ad_name"] for row in rows} == {"Reel Ä"}


def test_a_campaign_an_ad_set_and_an_ad_are_created_in_order(graph: Graph) -> None:
    campaign = control(graph, "entities", {"create": "campaign", "account_id": ACCOUNT, "name": "Launch"}, {})
    ad_set = control(graph, "entities", {"create": "adset", "campaign_id": campaign["id"]}, {})
    ad = control(graph, "entities", {"create": "ad", "adset_id": ad_set["id"]}, {})

    assert call(graph, ad["id"], fields="adset_id,campaign_id")[1] == {
        "id": ad["id"], "adset_id": ad_set["id"], "campaign_id": campaign["id"]}
    assert [row["id"] for row in call(graph, f"{campaign['id']}/ads", fields="id")[1]["data"]] == [ad["id"]]


def test_a_planned_change_happens_at_its_time(graph: Graph, active_ad: dict[str, str]) -> None:
    ad_id = active_ad["id"]
    for hours, name in ((48, "third"), (24, "second"), (0, "first")):
        control(graph, "entities", {"id": ad_id, "name": name, "at": (NOW + dt.timedelta(hours=hours)).isoformat()}, {})
    readings = []
    for hours in (0, 23, 24, 60):
        graph.fixed_now = NOW + dt.timedelta(hours=hours)
        readings.append(call(graph, ad_id, fields="name,updated_time")[1])

    assert [(ad["name"], ad["updated_time"]) for ad in readings] == [
        ("first", "2026-11-20T04:00:00-0800"), ("first", "2026-11-20T04:00:00-0800"),
        ("second", "2026-11-21T04:00:00-0800"), ("third", "2026-11-22T04:00:00-0800"),
    ]


def test_the_parents_of_an_ad_have_a_name_on_request(graph: Graph, active_ad: dict[str, str]) -> None:
    plain, named = (call(graph, active_ad["id"], fields=fields)[1] for fields in ("campaign,adset", "campaign{id,name},adset{name}"))

    assert set(plain["campaign"]) == set(plain["adset"]) == {"id"}
    assert named["campaign"]["name"] and named["adset"]["name"].startswith(named["campaign"]["name"])


@pytest.mark.parametrize("change", [{"id": "1"}, {"id": AD, "status": "GONE"}, {"id": AD, "colour": "red"}, {"create": "page"}])
def test_an_invalid_change_is_refused(graph: Graph, change: dict[str, str]) -> None:
    for at in (NOW, LATER):
        with pytest.raises((KeyError, ValueError)):
            control(graph, "entities", {**change, "at": at.isoformat()}, {})


def test_names_are_escaped_as_meta_escapes_them(graph: Graph, active_ad: dict[str, str]) -> None:
    control(graph, "entities", {"id": active_ad["id"], "name": "Ä \U0001f600 \x7f \" \n"}, {})
    response, body = call(graph, active_ad["id"], fields="name")

    assert response.content == json.dumps(response.body, separators=(",", ":")).encode()
    assert body["name"] == "Ä \U0001f600 \x7f \" \n" and response.content.isascii()
