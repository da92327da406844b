"""Requests for Page insights that Graph refuses, answers without data, or interprets in an unusual way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.pages.catalogue import RETIRED
from meta_pipeline_tests.sandbox.client import call, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, error, get, page_token

INSIGHTS = f"{PAGE}/insights"
DAYS = {"since": "2026-11-01", "until": "2026-11-04"}
INVALID_METRIC = (400, 100, "(#100) The value must be a valid insights metric")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return new_graph()


def end_times(graph: Graph, **params: Any) -> list[str]:
    data = get(graph, INSIGHTS, metric="page_media_view", period="day", **params)["data"]
    return [value["end_time"] for record in data for value in record["values"]]


@pytest.mark.parametrize("version", ["v19.0", "v24.0", "v26.0", "v27.0"])
@pytest.mark.parametrize("metric", [*sorted(name for name in RETIRED if name.startswith("page_")), "page_nonsense", "reach"])
def test_a_dead_or_unknown_metric_fails_the_whole_request_on_every_version(graph: Graph, metric: str, version: str) -> None:
    assert error(graph, INSIGHTS, metric=f"page_media_view,{metric}", period="day", version=version, **DAYS) == INVALID_METRIC


def test_both_spellings_of_a_range_return_the_same_data_and_error(graph: Graph) -> None:
    metrics = "page_impressions,page_engaged_users,page_video_views"

    assert error(graph, INSIGHTS, metric=metrics, period="day", **DAYS) == INVALID_METRIC
    assert len(end_times(graph, **DAYS)) == 3
    bracketed = {"time_range[since]": "2026-11-01", "time_range[until]": "2026-11-04"}
    assert end_times(graph, **bracketed) == end_times(graph, **DAYS)
    assert error(graph, INSIGHTS, metric=metrics, period="day", **bracketed) == INVALID_METRIC


@pytest.mark.parametrize(
    ("params", "status", "code", "words"),
    [
        ({"metric": "page_follows", "period": "week"}, 400, 100, "period week is not supported"),
        ({"metric": "page_follows_city", "period": "day"}, 400, 100, "period day is not supported"),
        ({"metric": "page_media_view", "period": "hourly"}, 400, 100, "period must be one of"),
        ({"metric": "page_media_view", "period": "day", "breakdown": "age"}, 400, 100, "breakdown age is not supported"),
        ({"metric": "page_media_view,page_follows", "period": "day", "breakdown": "is_from_ads"}, 400, 100,
         "breakdown is_from_ads is not supported for the metric page_follows"),
        ({"metric": "page_media_view", "breakdown": "is_from_ads,is_from_followers"}, 400, 100, "one breakdown"),
        ({"metric": "page_media_view", "period": "day", "since": "yesteryear"}, 400, 100, "since must be a valid date"),
        ({"metric": "page_media_view", "period": "day", "since": "2026-11-04", "until": "2026-11-01"}, 400, 100, "since"),
        ({"metric": "page_media_view", "period": "day", "date_preset": "last_decade"}, 400, 100, "date_preset"),
        ({"metric": "page_media_view,content_monetization_earnings", "period": "day"}, 500, 2, "unexpected error"),
        ({"period": "day"}, 400, 3001, "Invalid query"),
        ({"metric": ""}, 400, 3001, "Invalid query"),
    ],
)
def test_invalid_parameters_have_their_error(
    graph: Graph, params: dict[str, str], status: int, code: int, words: str
) -> None:
    refused = error(graph, INSIGHTS, **params)

    assert refused[:2] == (status, code) and words in refused[2]
    # Parameters are checked before read_insights, without which the response is empty.
    assert error(graph, INSIGHTS, token=page_token(graph, without="read_insights"), **params) == refused


def test_a_request_without_metrics_has_an_error_for_the_user(graph: Graph) -> None:
    body = call(graph, INSIGHTS, token=page_token(graph))[1]["error"]

    assert (body["error_subcode"], body["error_user_title"], body["is_transient"]) == (1504028, "No Metric Specified", False)


def test_without_read_insights_the_answer_is_empty_and_no_error(graph: Graph) -> None:
    token = page_token(graph, without="read_insights")

    assert get(graph, INSIGHTS, token=token, metric="page_media_view", period="day", **DAYS) == {"data": []}
    assert error(graph, INSIGHTS, token=token, metric="page_impressions", period="day") == INVALID_METRIC


@pytest.mark.parametrize("metric", ["monetization_approximate_earnings", "content_monetization_earnings"])
def test_the_earnings_of_a_page_that_is_not_monetized_are_valid_metrics_without_data(graph: Graph, metric: str) -> None:
    assert get(graph, INSIGHTS, metric=metric, period="day", **DAYS)["data"] == []


def test_a_scope_is_withheld_from_one_page_and_restored() -> None:
    graph = new_graph()
    neighbour, token = "3000000000002", page_token(graph)
    params = {"metric": "page_media_view", "period": "day", **DAYS}

    control(graph, "withheld", {"page_id": PAGE, "scopes": ["read_insights"]}, {})

    for lacking in (token, page_token(graph)):
        assert get(graph, INSIGHTS, token=lacking, **params) == {"data": []}
        described = get(graph, "debug_token", token=graph.identity.app_token, input_token=lacking)["data"]
        assert "read_insights" not in described["scopes"] and "pages_read_engagement" in described["scopes"]
    other = page_token(graph, page_id=neighbour)
    assert len(get(graph, f"{neighbour}/insights", token=other, **params)["data"]) == 1
    control(graph, "withheld", {"page_id": PAGE, "scopes": []}, {})
    assert len(get(graph, INSIGHTS, token=token, **params)["data"]) == 1


def test_only_the_pages_own_token_reads_it(graph: Graph) -> None:
    neighbour = page_token(graph, page_id="3000000000002")
    person = graph.identity.mint("USER", scopes=("read_insights",), now=graph.now(), life=None).value

    for token in (neighbour, person, graph.identity.system_user_token):
        for path, params in ((INSIGHTS, {"metric": "page_media_view"}), (f"{PAGE}/posts", {}), (INSIGHTS, {})):
            assert error(graph, path, token=token, **params) == (
                400, 190, "(#190) This method must be called with a Page Access Token"
            )


def test_pages_read_engagement_and_the_task_to_analyze_are_needed() -> None:
    graph = new_graph()
    assert error(graph, INSIGHTS, token=page_token(graph, without="pages_read_engagement"), metric="page_media_view")[:2] == (403, 10)
    graph.access.tasks[PAGE] = ["ADVERTISE"]
    assert error(graph, INSIGHTS, metric="page_media_view")[:2] == (403, 10)


def test_a_window_has_at_most_90_pacific_days_also_over_the_end_of_summer_time(graph: Graph) -> None:
    assert len(end_times(graph, since="2026-08-10", until="2026-11-08")) == 90
    assert error(graph, INSIGHTS, metric="page_media_view", period="day", since="2026-08-10", until="2026-11-09") == (
        400, 100, "(#100) There cannot be more than 90 days (7776000 s) between since and until"
    )


def test_unix_seconds_at_utc_midnight_are_that_date_and_others_an_instant(graph: Graph) -> None:
    assert end_times(graph, since="1793491200", until="1793750400") == end_times(graph, **DAYS)  # 1 and 4 November, 00:00 UTC
    first = "2026-11-01T07:00:00+0000"  # `since` itself is excluded, `until` included
    assert end_times(graph, since="1793516400", until="1793516400") == []
    assert end_times(graph, since="1793516399", until="1793516400") == [first]


def test_only_finished_days_of_the_last_two_years_have_values(graph: Graph) -> None:
    assert end_times(graph, since="2026-11-18", until="2026-11-25") == [f"2026-11-{day}T08:00:00+0000" for day in (19, 20)]
    assert end_times(graph, since="2024-11-18", until="2024-11-24")[0] == "2024-11-21T08:00:00+0000"
    assert end_times(graph) == [f"2026-11-{day}T08:00:00+0000" for day in (19, 20)]
    assert end_times(graph, date_preset="last_7d") == end_times(graph, since="2026-11-13", until="2026-11-20")


def test_links_to_the_neighbouring_windows_always_exist_and_work(graph: Graph) -> None:
    token = page_token(graph)
    body = get(graph, INSIGHTS, token=token, metric="page_media_view", period="day", **DAYS)
    query = dict(part.split("=") for part in body["paging"]["previous"].partition("?")[2].split("&"))

    assert set(body["paging"]) == {"previous", "next"} and query["access_token"] == token
    assert end_times(graph, since=query["since"], until=query["until"])[-1] == "2026-11-01T07:00:00+0000"


def test_the_path_may_name_metric_and_period_and_fields_select(graph: Graph) -> None:
    body = get(graph, f"{INSIGHTS}/page_media_view/day", fields="name,values{value}", **DAYS)

    assert [set(value) for value in body["data"][0]["values"]] == [{"value"}] * 3
    assert set(body["data"][0]) == {"name", "values", "id"}
    node = get(graph, PAGE, fields="insights.metric(page_media_view).period(day).since(2026-11-01).until(2026-11-04){values}")
    whole = get(graph, INSIGHTS, metric="page_media_view", period="day", **DAYS)["data"][0]
    assert node["insights"]["data"] == [{"values": whole["values"], "id": whole["id"]}]


def test_a_failing_operation_of_a_batch_fails_alone(graph: Graph) -> None:
    token = page_token(graph)
    urls = [f"v26.0/{INSIGHTS}?metric={metric}&period=day" for metric in ("page_fans", "page_media_view")]
    batch = [{"method": "GET", "relative_url": url} for url in urls]
    responses = call(graph, "", "POST", token=token, access_token=token, batch=batch)[1]

    assert [response["code"] for response in responses] == [400, 200]
    assert len(json.loads(responses[1]["body"])["data"]) == 1
