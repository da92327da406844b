"""Insights and demographics of Instagram accounts: equal to the truth, with Meta's windows, gaps and errors."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import NOW, call, new_graph
from meta_pipeline_tests.sandbox.instagram.client import (
    ACCOUNT,
    OTHER_PAGE,
    PAGE,
    Value,
    error_of,
    insights,
    total_values,
    true_values,
    truth,
    values_of_day,
)

FIRST, LAST = dt.date(2026, 9, 21), dt.date(2026, 11, 19)  # 60 days; daylight saving ends on 2026-11-01
SUMMED = "accounts_engaged,total_interactions,likes,comments,saves,shares,reposts,replies,profile_views,website_clicks"
BY_BREAKDOWN = {
    "follow_type": "reach,views,follows_and_unfollows", "follow_type,media_product_type": "reach,views",
    "media_product_type": "reach,views,total_interactions,likes,comments,saves,shares,reposts",
    "contact_button_type": "profile_links_taps",
}
PATH = f"{ACCOUNT}/insights"
TOTAL = {"period": "day", "metric_type": "total_value"}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return new_graph()


def days(since: dt.date, until: dt.date) -> list[dt.date]:
    return [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]


def series(graph: Graph, metric: str, since: dt.date, until: dt.date, period: str = "day") -> set[Value]:
    """Read a time series in windows of 30 days, each value labelled with the day before its end."""
    values: set[Value] = set()
    for start in days(since, until)[::30]:
        end = min(start + dt.timedelta(days=30), until + dt.timedelta(days=1))
        for entry in insights(graph, metric=metric, period=period, since=str(start), until=str(end)):
            for value in entry["values"]:
                ended_at = dt.datetime.fromisoformat(value["end_time"])
                assert ended_at.hour == (7 if ended_at.date() <= dt.date(2026, 11, 1) else 8)
                values.add((str(ended_at.date() - dt.timedelta(days=1)), metric, "", "{}", str(value["value"])))
    return values


def test_every_value_of_60_days_equals_the_truth(graph: Graph) -> None:
    values: set[Value] = set()
    for day in days(FIRST, LAST):
        values |= set(values_of_day(total_values(graph, f"reach,views,profile_links_taps,{SUMMED}", day), day))
        for breakdown, metrics in BY_BREAKDOWN.items():
            values |= set(values_of_day(total_values(graph, metrics, day, breakdown=breakdown), day))
    recent = dt.date(2026, 10, 21)
    values |= series(graph, "follower_count", recent, LAST) | series(graph, "online_followers", recent, LAST, "lifetime")
    rows = [row for row in truth(graph, FIRST, LAST)["account_insights"] if row["instagram_account_id"] == ACCOUNT]

    assert values == true_values(rows)
    assert len(values) > 3000
    assert series(graph, "reach", FIRST, LAST) == {value for value in values if value[1:3] == ("reach", "")}


def test_some_zeros_are_left_out_and_others_are_sent(graph: Graph) -> None:
    replies = {day: total_values(graph, "replies", day) for day in days(FIRST, LAST)}

    assert [] in replies.values()
    assert 0 in {entries[0]["total_value"]["value"] for entries in replies.values() if entries}


def test_a_window_adds_up_counts_but_not_people(graph: Graph) -> None:
    since = dt.date(2026, 10, 5)
    window = {entry["name"]: entry["total_value"]["value"] for entry in total_values(graph, "likes,reach", since, days=30)}
    by_day = [total_values(graph, "likes,reach", day) for day in days(since, dt.date(2026, 11, 3))]
    sums = {name: sum(e["total_value"]["value"] for entries in by_day for e in entries if e["name"] == name) for name in window}

    assert window["likes"] == sums["likes"]
    assert max(e["total_value"]["value"] for entries in by_day for e in entries if e["name"] == "reach") < window["reach"] < sums["reach"]


def test_the_parts_of_a_breakdown_add_up_unless_people_are_in_several(graph: Graph) -> None:
    def parts(metric: str, breakdown: str) -> tuple[int, int]:
        total = total_values(graph, metric, LAST, breakdown=breakdown)[0]["total_value"]
        return total["value"], sum(result["value"] for result in total["breakdowns"][0]["results"])

    for breakdown in ("follow_type", "media_product_type", "media_product_type,follow_type"):
        assert len(set(parts("views", breakdown))) == 1
    assert len(set(parts("reach", "follow_type"))) == 1
    whole, of_products = parts("reach", "media_product_type")
    assert of_products > whole


def test_interactions_are_the_sum_of_their_kinds(graph: Graph) -> None:
    values = {e["name"]: e["total_value"]["value"] for e in total_values(graph, SUMMED, dt.date(2026, 11, 10))}

    kinds = ("likes", "comments", "saves", "shares", "reposts", "replies")
    assert values["total_interactions"] == sum(values.get(kind, 0) for kind in kinds) > 0


def test_without_dates_the_last_finished_day_is_read(graph: Graph) -> None:
    assert insights(graph, metric="views", **TOTAL) == total_values(graph, "views", LAST)
    assert insights(graph, metric="reach", period="day")[0]["values"][0]["end_time"] == "2026-11-20T08:00:00+0000"


def test_seconds_at_utc_midnight_are_read_as_that_date(graph: Graph) -> None:
    seconds = [str(int(dt.datetime(2026, 11, day, tzinfo=dt.UTC).timestamp())) for day in (18, 19)]

    assert insights(graph, metric="views", since=seconds[0], until=seconds[1], **TOTAL) == total_values(
        graph, "views", dt.date(2026, 11, 18))


@pytest.mark.parametrize(("since", "until"), [("2026-10-05", "2026-11-04"), ("2026-03-01", "2026-03-31")])
def test_30_days_are_counted_on_the_calendar(graph: Graph, since: str, until: str) -> None:
    day_after = str(dt.date.fromisoformat(until) + dt.timedelta(days=1))

    assert insights(graph, metric="views", since=since, until=until, **TOTAL)
    assert error_of(graph, PATH, metric="views", since=since, until=day_after, **TOTAL) == (
        400, 100, None, "(#100) There cannot be more than 30 days (2592000 s) between since and until")


@pytest.mark.parametrize("metric", ["follower_count", "online_followers"])
def test_a_metric_of_the_last_30_days_fails_the_request_for_earlier_ones(graph: Graph, metric: str) -> None:
    period = "day" if metric == "follower_count" else "lifetime"
    ages = {"since": "2026-10-21", "until": "2026-10-22"}, {"since": "2026-10-20", "until": "2026-10-22"}

    assert len(insights(graph, metric=metric, period=period, **ages[0])[0]["values"]) == 1
    status, code, _, message = error_of(graph, PATH, metric=metric, period=period, **ages[1])
    assert (status, code) == (400, 100)
    assert message == f"(#100) ({metric}) metric only supports querying data for the last 30 days excluding the current day"
    if period == "day":
        assert error_of(graph, PATH, metric=f"reach,{metric}", period="day", **ages[1])[3] == message


def test_follows_of_a_day_are_ready_26_hours_after_its_end() -> None:
    graph, day = new_graph(), dt.date(2026, 11, 17)
    skeleton = {"breakdowns": [{"dimension_keys": ["follow_type"]}]}
    changes = []
    for hours in (25, 26):  # after 2026-11-18T08:00Z, the day's end
        graph.fixed_now = dt.datetime(2026, 11, 18, 8, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
        changes.append(total_values(graph, "follows_and_unfollows", day, breakdown="follow_type")[0]["total_value"])

    assert changes[0] == skeleton
    results = {tuple(r["dimension_values"]): r["value"] for r in changes[1]["breakdowns"][0]["results"]}
    assert set(results) == {("FOLLOWER",), ("NON_FOLLOWER",)}
    new_follows = insights(graph, metric="follower_count", period="day", since=str(day), until="2026-11-18")
    assert new_follows[0]["values"][0]["value"] == results["FOLLOWER",]
    assert total_values(graph, "follows_and_unfollows", day)[0]["total_value"] == {}


def test_late_values_are_absent_until_they_are_ready() -> None:
    graph = new_graph()
    control(graph, "world", {"instagram_late_hours": 48}, {})
    ready, late = dt.date(2026, 11, 17), dt.date(2026, 11, 18)  # now is 52 and 28 hours after their ends

    assert total_values(graph, "likes,reach", ready) == total_values(new_graph(), "likes,reach", ready)
    assert total_values(graph, "likes,reach", late) == []
    assert {row["day"] for row in truth(graph, ready, late)["account_insights"]} == {str(ready)}


COMBINATIONS = [
    ",".join(names) for size in range(1, 5)
    for names in itertools.combinations(("age", "gender", "city", "country"), size)
]


@pytest.mark.parametrize("metric", ["follower_demographics", "engaged_audience_demographics"])
def test_demographics_of_every_combination_equal_the_truth(graph: Graph, metric: str) -> None:
    timeframe = "this_month" if metric.startswith("engaged") else ""
    entries = set()
    for combination in COMBINATIONS:
        params = {"timeframe": timeframe} if timeframe else {}
        entry = insights(graph, metric=metric, period="lifetime", metric_type="total_value", breakdown=combination, **params)[0]
        breakdown = entry["total_value"]["breakdowns"][0]
        assert "value" not in entry["total_value"]
        assert 0 < len(breakdown["results"]) <= 45
        for result in breakdown["results"]:
            dimensions = dict(zip(breakdown["dimension_keys"], result["dimension_values"], strict=True))
            entries.add((*(dimensions.get(name) for name in ("age", "gender", "city", "country")), result["value"]))

    assert entries == {
        (*row["dimensions"].values(), row["value"]) for row in truth(graph, LAST, LAST)["demographics"]
        if (row["instagram_account_id"], row["metric"], row["timeframe"]) == (ACCOUNT, metric, timeframe)
    }


def test_the_dimensions_of_demographics_add_up_to_the_same_people(graph: Graph) -> None:
    def people(breakdown: str) -> int:
        entry = insights(graph, metric="follower_demographics", period="lifetime", metric_type="total_value", breakdown=breakdown)[0]
        return sum(result["value"] for result in entry["total_value"]["breakdowns"][0]["results"])

    followers = call(graph, ACCOUNT, fields="followers_count")[1]["followers_count"]
    assert people("age") == people("gender") == people("gender,age") < followers
    assert people("age,gender,city") < people("age")  # only the 45 largest entries


@pytest.mark.parametrize(
    ("params", "status", "code", "message"),
    [
        ({}, 400, 100, "metric is required"),
        ({"metric": "views,nonsense,reach", **TOTAL}, 400, 100, "metric[1] must be one of the following values: reach, "),
        ({"metric": "impressions", "period": "day"}, 400, 100, "the impressions metric is no longer supported for the queried user"),
        ({"metric": "views"}, 400, 100, "period is required"),
        ({"metric": "views", "period": "week", "metric_type": "total_value"}, 400, 100, "views does not support the period week"),
        ({"metric": "views", "period": "fortnight"}, 400, 100, "period must be one of"),
        ({"metric": "reach,views,likes", "period": "day"}, 400, 100, "(views,likes) should be specified with parameter metric_type=total_value"),
        ({"metric": "views", "period": "day", "metric_type": "time_series"}, 400, 100, "metric_type=total_value"),
        ({"metric": "follower_count", **TOTAL}, 400, 100, "(follower_count) are not compatible with metric_type=total_value"),
        ({"metric": "views,replies", "breakdown": "follow_type", **TOTAL}, 500, 1, "An unknown error has occurred."),
        ({"metric": "follower_demographics", "period": "lifetime", "metric_type": "total_value", "breakdown": "follow_type"}, 500, 1, "An unknown error"),
        ({"metric": "engaged_audience_demographics", "period": "lifetime", "metric_type": "total_value", "breakdown": "age"}, 400, 100, "timeframe is required"),
        ({"metric": "engaged_audience_demographics", "period": "lifetime", "metric_type": "total_value", "timeframe": "last_30_days"}, 400, 100, "timeframe must be one of the following values: this_week, this_month"),
        ({"metric": "views", "since": "2026-11-19", "until": "2026-11-18", **TOTAL}, 400, 100, "since"),
        ({"metric": "views", "since": "yesterdayish", **TOTAL}, 400, 100, "since"),
    ],
)
def test_an_invalid_request_gets_metas_error(graph: Graph, params: dict[str, Any], status: int, code: int, message: str) -> None:
    error = error_of(graph, PATH, **params)

    assert error[:2] == (status, code)
    assert message in error[3]


def test_a_small_account_lacks_the_metrics_that_need_100_followers() -> None:
    graph = new_graph()
    control(graph, "world", {"small_instagram": [ACCOUNT]}, {})

    assert call(graph, ACCOUNT, fields="followers_count")[1]["followers_count"] < 100
    assert [e["name"] for e in insights(graph, metric="reach,follower_count", period="day")] == ["reach"]
    assert total_values(graph, "follows_and_unfollows", LAST, breakdown="follow_type") == []
    lifetime = {"period": "lifetime", "metric_type": "total_value"}
    assert insights(graph, metric="follower_demographics", breakdown="age", **lifetime) == []
    records = truth(graph, LAST, LAST)
    assert not [row for row in records["demographics"] if row["instagram_account_id"] == ACCOUNT]
    metrics = {row["metric"] for row in records["account_insights"] if row["instagram_account_id"] == ACCOUNT}
    assert "reach" in metrics and not metrics & {"follower_count", "online_followers", "follows_and_unfollows"}


def test_metrics_retire_and_appear_at_an_instant() -> None:
    graph = new_graph()
    control(graph, "world", {
        "retired_metrics": {"likes": (NOW + dt.timedelta(hours=1)).isoformat()},
        "new_metrics": {"glances": {"on": "instagram_account", "average": 700}},
    }, {})
    before = total_values(graph, "glances,likes", LAST)
    graph.fixed_now = NOW + dt.timedelta(hours=1)

    assert [entry["name"] for entry in before] == ["glances", "likes"]
    assert "metric[1] must be one of" in error_of(graph, PATH, metric="glances,likes", **TOTAL)[3]
    assert total_values(graph, "glances", LAST) == before[:1]
    assert "likes" not in {row["metric"] for row in truth(graph, LAST, LAST)["account_insights"]}


@pytest.mark.parametrize(
    ("scopes", "page_id", "code"),
    [
        (("instagram_basic", "instagram_manage_insights", "pages_read_engagement"), None, None),
        (("instagram_basic", "instagram_manage_insights", "pages_read_engagement"), PAGE, None),
        (("instagram_basic", "instagram_manage_insights", "pages_read_engagement"), OTHER_PAGE, (100, 33)),
        (("instagram_manage_insights", "pages_read_engagement"), None, (10, None)),
        (("instagram_basic", "pages_read_engagement"), None, (10, None)),
        (("instagram_basic", "instagram_manage_insights"), None, (10, None)),
    ],
)
def test_the_token_needs_three_scopes_and_is_a_persons_or_the_own_pages(
    scopes: tuple[str, ...], page_id: str | None, code: tuple[int, int | None] | None
) -> None:
    graph = new_graph()
    kind = "PAGE" if page_id else "USER"
    token = graph.identity.mint(kind, scopes=scopes, now=NOW, life=None, page_id=page_id).value
    response, body = call(graph, PATH, metric="views", token=token, **TOTAL)

    assert response.status == (400 if code else 200)
    assert code == ((body["error"]["code"], body["error"].get("error_subcode")) if code else None)


def test_a_person_without_the_task_reads_the_account_but_not_its_insights() -> None:
    graph = new_graph()
    control(graph, "tasks", {"node": PAGE, "tasks": ["ADVERTISE"]}, {})

    assert call(graph, ACCOUNT, fields="username")[1]["username"] == "northwind"
    assert error_of(graph, PATH, metric="views", **TOTAL)[:2] == (400, 10)
    control(graph, "tasks", {"node": PAGE, "tasks": []}, {})
    assert error_of(graph, ACCOUNT, fields="username")[:3] == (400, 100, 33)
