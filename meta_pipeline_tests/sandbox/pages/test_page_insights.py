"""Page insights: every documented metric, its periods, breakdowns and days, equal to the truth."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.pages.catalogue import RETIRED
from meta_pipeline_tests.sandbox.client import NOW, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, get, truth

ALL = "day week days_28"
VIDEO_FAMILY = ("_paid", "_organic", "_autoplayed", "_click_to_play")
# docs/graph-api.md §3.3, repeated independently of the code: the metrics that work, with their periods.
DOCUMENTED = {
    **dict.fromkeys(
        ["page_media_view", "page_total_media_view_unique", "page_post_engagements", "page_views_total", "page_total_actions",
         "page_daily_follows_unique", "page_daily_unfollows_unique", "page_video_views", "page_video_repeat_views",
         "page_video_views_by_paid_non_paid", "page_video_views_by_uploaded_hosted", "page_video_complete_views_30s",
         "page_video_complete_views_30s_unique", "page_video_complete_views_30s_repeat_views",
         *(f"page_video_views{end}" for end in VIDEO_FAMILY), *(f"page_video_complete_views_30s{end}" for end in VIDEO_FAMILY),
         *(f"page_actions_post_reactions_{name}_total" for name in ("like", "love", "wow", "haha", "sorry", "anger"))], ALL),
    **dict.fromkeys(["page_follows", "page_daily_follows", "page_video_view_time", "page_actions_post_reactions_total",
                     "page_lifetime_engaged_followers_unique", "page_tab_views_logout_top"], "day"),
    **dict.fromkeys(["page_tab_views_login_top", "page_tab_views_login_top_unique"], "day week"),
}
OBJECTS = {"page_actions_post_reactions_total", "page_video_views_by_paid_non_paid", "page_video_views_by_uploaded_hosted",
           "page_tab_views_login_top", "page_tab_views_login_top_unique", "page_tab_views_logout_top"}
# Summer time ends on 1 November 2026 at the Pacific coast.
DAYS = {"since": "2026-10-25", "until": "2026-11-05"}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return new_graph()


def values(graph: Graph, metric: str, period: str = "day", **params: Any) -> list[Any]:
    data = get(graph, f"{PAGE}/insights", **{"metric": metric, "period": period, **DAYS, **params})["data"]
    return [value["value"] for value in data[0]["values"]] if data else []


@pytest.mark.parametrize("period", ALL.split())
def test_every_documented_metric_has_a_value_for_each_day_and_period_and_equals_the_truth(graph: Graph, period: str) -> None:
    names = [name for name, periods in DOCUMENTED.items() if period in periods.split()]
    data = get(graph, f"{PAGE}/insights", metric=",".join(names), period=period, **DAYS)["data"]
    expected = {
        (row["metric"], row["day"]): row["value"]
        for row in truth(graph, "2026-10-25", "2026-11-04", periods=period)["page_insights"] if row["breakdown"] == ""
    }

    assert [record["name"] for record in data] == names
    days = [dt.date(2026, 10, 25) + dt.timedelta(days=n) for n in range(11)]
    ends = [f"{day + dt.timedelta(days=1)}T{'07' if day < dt.date(2026, 11, 1) else '08'}:00:00+0000" for day in days]
    for record in data:
        assert (record["period"], record["id"]) == (period, f"{PAGE}/insights/{record['name']}/{period}")
        assert [value["end_time"] for value in record["values"]] == ends
        assert all(isinstance(value["value"], dict) == (record["name"] in OBJECTS) for value in record["values"])
    assert {
        (record["name"], str(day)): value["value"]
        for record in data for day, value in zip(days, record["values"], strict=True)
    } == expected


def test_days_begin_an_hour_earlier_in_utc_while_summer_time_lasts(graph: Graph) -> None:
    (record,) = get(graph, f"{PAGE}/insights", metric="page_follows", period="day", since="2026-03-06", until="2026-03-10")["data"]

    assert [value["end_time"] for value in record["values"]] == [
        "2026-03-07T08:00:00+0000", "2026-03-08T08:00:00+0000", "2026-03-09T07:00:00+0000", "2026-03-10T07:00:00+0000",
    ]


def test_the_metrics_that_meta_computes_from_each_other_add_up(graph: Graph) -> None:
    for whole, *parts in (
        ("page_video_views", "page_video_views_paid", "page_video_views_organic"),
        ("page_video_views", "page_video_views_autoplayed", "page_video_views_click_to_play"),
        ("page_video_complete_views_30s", "page_video_complete_views_30s_paid", "page_video_complete_views_30s_organic"),
    ):
        for period in ALL.split():
            added = [sum(numbers) for numbers in zip(*(values(graph, part, period) for part in parts), strict=True)]
            assert added == values(graph, whole, period) and 0 not in added
    by_type = values(graph, "page_actions_post_reactions_total")
    for name in ("like", "love", "wow", "haha", "sorry", "anger"):
        alone = values(graph, f"page_actions_post_reactions_{name}_total")
        assert alone == [reactions.get(name, 0) for reactions in by_type]
    assert all(0 not in reactions.values() for reactions in by_type) and min(len(reactions) for reactions in by_type) < 6
    followers = values(graph, "page_follows")
    changes = [new - gone for new, gone in zip(
        values(graph, "page_daily_follows"), values(graph, "page_daily_unfollows_unique"), strict=True)]
    assert [after - before for before, after in itertools.pairwise(followers)] == changes[1:]


@pytest.mark.parametrize("breakdown", ["is_from_ads", "is_from_followers"])
@pytest.mark.parametrize("period", ALL.split())
def test_a_breakdown_is_flat_rows_that_add_up_to_the_total(graph: Graph, breakdown: str, period: str) -> None:
    data = get(graph, f"{PAGE}/insights", metric="page_media_view", period=period, breakdown=breakdown, **DAYS)["data"]
    rows = data[0]["values"]
    by_day: dict[str, int] = {}
    for row in rows:
        assert set(row) == {"value", "end_time", breakdown} and row[breakdown] in ("0", "1")
        by_day[row["end_time"]] = by_day.get(row["end_time"], 0) + row["value"]

    assert list(by_day.values()) == values(graph, "page_media_view", period)
    assert len(rows) > len(by_day)


def test_a_breakdowns_row_of_0_is_sometimes_left_out(graph: Graph) -> None:
    rows = get(graph, f"{PAGE}/insights", metric="page_media_view", period="day", breakdown="is_from_ads",
               since="2026-09-01", until="2026-11-15")["data"][0]["values"]
    zeros, from_ads = [row for row in rows if row["value"] == 0], [row for row in rows if row["is_from_ads"] == "1"]

    assert zeros and len(from_ads) < 75


def test_people_are_counted_once_per_period(graph: Graph) -> None:
    daily = values(graph, "page_total_media_view_unique", since="2026-10-28", until="2026-11-04")
    weekly = values(graph, "page_total_media_view_unique", "week", since="2026-11-03", until="2026-11-04")

    assert len(daily) == 7 and max(daily) <= weekly[0] < sum(daily)
    views = values(graph, "page_media_view", since="2026-10-28", until="2026-11-04")
    assert values(graph, "page_media_view", "week", since="2026-11-03", until="2026-11-04") == [sum(views)]


@pytest.mark.parametrize(("metric", "dimension"), [("page_follows_city", "city"), ("page_follows_country", "country")])
def test_the_audience_is_an_object_by_place(graph: Graph, metric: str, dimension: str) -> None:
    (record,) = get(graph, f"{PAGE}/insights", metric=metric, period="lifetime")["data"]
    audience = [row for row in truth(graph, "2026-11-19", "2026-11-19")["page_audience"] if row["metric"] == metric]
    (value,) = record["values"]

    assert value["end_time"] == "2026-11-20T08:00:00+0000"
    assert value["value"] == {row["value"]: row["followers"] for row in audience} and len(audience) > 10
    assert {row["dimension"] for row in audience} == {dimension}
    assert sum(value["value"].values()) < values(graph, "page_follows", since="2026-11-19", until="2026-11-20")[0]


def test_without_a_period_each_of_a_metrics_periods_is_a_record(graph: Graph) -> None:
    data = get(graph, f"{PAGE}/insights", metric="page_media_view,page_follows,page_follows_city", **DAYS)["data"]

    assert [(record["name"], record["period"]) for record in data] == [
        ("page_media_view", "day"), ("page_media_view", "week"), ("page_media_view", "days_28"), ("page_follows", "day"),
        ("page_follows_city", "lifetime"),
    ]


@pytest.mark.parametrize("metric", sorted(name for name in RETIRED if name.startswith("page_")))
def test_a_retired_metric_worked_until_its_last_day(metric: str) -> None:
    graph = new_graph()
    graph.fixed_now = RETIRED[metric] - dt.timedelta(seconds=1)

    assert all(isinstance(value, int) for value in values(graph, metric, since="2024-02-01", until="2024-02-02"))
    assert truth(graph, "2026-10-01", "2026-10-02", metrics=metric)["page_insights"] == []


def test_metrics_retire_and_appear_with_the_worlds_options() -> None:
    graph = new_graph()
    before = values(graph, "page_media_view")
    control(graph, "world", {
        "retired_metrics": {"page_media_view": "2026-11-20T13:00:00+00:00"},
        "new_metrics": {"page_new_metric": {"on": "page", "average": 500}},
    }, {})

    assert values(graph, "page_media_view") == before
    new = values(graph, "page_new_metric")
    assert len(new) == 11 and all(250 < value < 750 for value in new)
    graph.fixed_now = NOW + dt.timedelta(hours=1)
    names = {row["metric"] for row in truth(graph, **DAYS)["page_insights"]}
    assert "page_new_metric" in names and "page_media_view" not in names


def test_late_days_are_absent_0_or_incomplete_and_stop_changing() -> None:
    graph = new_graph()
    control(graph, "world", {"page_late_days": 3}, {})
    names = "page_media_view,page_post_engagements,page_views_total,page_video_views"
    window = {"since": "2026-10-01", "until": "2026-11-20"}

    def read() -> dict[tuple[str, str], Any]:
        data = get(graph, f"{PAGE}/insights", metric=names, period="day", **window)["data"]
        read_now = {(record["name"], value["end_time"][:10]): value["value"] for record in data for value in record["values"]}
        expected = truth(graph, "2026-10-01", "2026-11-19", periods="day", metrics=names)["page_insights"]
        assert list(read_now.values()) == [row["value"] for row in expected if row["breakdown"] == ""]
        return read_now

    seen = {}
    for hours in range(0, 24 * 20, 7):
        graph.fixed_now = NOW - dt.timedelta(days=17) + dt.timedelta(hours=hours)
        seen[graph.fixed_now] = read()
    final = seen[max(seen)]
    states = set()
    for at, values_then in seen.items():
        for (name, end), value in final.items():
            ended_at = dt.datetime.fromisoformat(f"{end}T08:00:00+00:00")
            if ended_at <= dt.datetime(2026, 11, 3, tzinfo=dt.UTC) or ended_at > at:
                continue
            then = values_then.get((name, end))
            if at - ended_at >= dt.timedelta(days=3):
                assert then == value
            else:
                assert then is None or then <= value
                states.add("absent" if then is None else "zero" if then == 0 else "incomplete" if then < value else "whole")
                if then == 0 and at - ended_at > dt.timedelta(days=2):
                    states.add("zero for days")
    assert {"absent", "zero", "incomplete", "zero for days"} <= states
    assert seen[NOW - dt.timedelta(days=17)].get(("page_media_view", "2026-11-20")) is None


def test_a_small_page_has_no_data_and_no_error() -> None:
    graph = new_graph()
    control(graph, "world", {"small_pages": [PAGE]}, {})

    assert get(graph, f"{PAGE}/insights", metric="page_media_view,page_follows", period="day", **DAYS)["data"] == []
    assert get(graph, f"{PAGE}/insights", metric="page_follows_city", period="lifetime")["data"] == []
    assert get(graph, PAGE, fields="fan_count,followers_count")["fan_count"] < 100
    assert not any(truth(graph, **DAYS)[name] for name in ("page_insights", "page_audience", "post_insights"))
