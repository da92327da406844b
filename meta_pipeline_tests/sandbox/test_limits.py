"""Rate limits: usage headers, blocks, report runs in flight, and a clock that is set back."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.limits import CallBudget
from meta_pipeline_tests.sandbox.client import NOW, call, days, new_graph

ACCOUNT = "act_1000000001"


def call_account(graph: Graph) -> tuple[int, dict[str, Any]]:
    response, _ = call(graph, ACCOUNT, fields="id")
    return response.status, json.loads(response.headers["X-Ad-Account-Usage"])


def test_usage_headers_are_on_every_response() -> None:
    graph = new_graph()
    for path in ("me", ACCOUNT, "act_9", f"{ACCOUNT}/insights"):
        assert "X-App-Usage" in call(graph, path)[0].headers


def test_a_block_starts_at_the_limit_and_lengthens_when_called_during_it() -> None:
    now = [NOW]
    graph = Graph(seed=1, now=None)
    graph.clock = lambda: now[0]
    graph.limits.configure({"tier": "development_access", "score": 3})

    assert [call_account(graph)[0] for _ in range(3)] == [200, 200, 200]
    assert call_account(graph)[0] == 400
    now[0] += dt.timedelta(seconds=200)
    assert call_account(graph)[0] == 400  # a call during the block of 300 s restarts it
    now[0] += dt.timedelta(seconds=200)
    assert call_account(graph)[0] == 400
    now[0] += dt.timedelta(seconds=500)
    status, usage = call_account(graph)
    assert status == 200 and usage["ads_api_access_tier"] == "development_access"
    assert graph.limits.configure({})["sent_while_blocked"] == {"1000000001": 2}


def test_the_number_of_report_runs_in_flight_is_limited() -> None:
    graph = new_graph()
    graph.limits.settings.running_report_runs = 2
    query: dict[str, Any] = {"level": "account", "time_range": days("2026-11-01", "2026-11-02"), "fields": "impressions"}

    assert [call(graph, f"{ACCOUNT}/insights", "POST", **query)[0].status for _ in range(3)] == [200, 200, 400]


@pytest.mark.parametrize("moved_back", [dt.timedelta(minutes=1), dt.timedelta(days=8), dt.timedelta(days=400)])
def test_a_clock_that_is_set_back_uses_up_no_score(moved_back: dt.timedelta) -> None:
    graph = new_graph()
    score_before = call_account(graph)[1]["acc_id_util_pct"]
    control(graph, "clock", {"now": (NOW - moved_back).isoformat()}, {})
    status, usage = call_account(graph)

    assert status == 200
    assert 0 < score_before < usage["acc_id_util_pct"] < 1


def test_points_decay_linearly_and_never_grow_when_the_clock_is_set_back() -> None:
    budget = CallBudget(100.0, window_s=100.0, block_s=60.0, is_decaying=True)
    assert budget.charge(50.0, 1000.0)

    assert [budget.used(now) for now in (1000.0, 1020.0, 1050.0, 2000.0)] == [50.0, 30.0, 0.0, 0.0]
    assert [budget.used(now) for now in (999.0, 0.0, -1e9)] == [50.0, 50.0, 50.0]


def test_the_calls_of_a_page_have_a_daily_budget_and_each_operation_of_a_batch_counts() -> None:
    graph = new_graph()
    page_id = next(iter(graph.world.pages))
    page_token = graph.identity.page_token(page_id, graph.identity.tokens[graph.identity.system_user_token], NOW)
    graph.limits.configure({"per_engaged_user": 2, "engaged_users": 2})
    operations = [{"method": "GET", "relative_url": f"v26.0/{page_id}?fields=id"}] * 3

    responses = call(graph, "", "POST", token=page_token, access_token=page_token, batch=operations)[1]
    last, over = call(graph, page_id, token=page_token), call(graph, page_id, token=page_token)

    usage = json.loads(next(h["value"] for h in responses[2]["headers"] if h["name"] == "X-Business-Use-Case-Usage"))
    assert (usage[page_id][0]["type"], usage[page_id][0]["call_count"]) == ("pages", 75)
    assert last[0].status == 200
    assert (over[0].status, over[1]["error"]["code"]) == (400, 80001)
    blocked = json.loads(over[0].headers["X-Business-Use-Case-Usage"])[page_id][0]
    assert blocked["estimated_time_to_regain_access"] == 60


def test_a_persons_calls_to_a_page_count_against_the_app_and_get_their_own_code() -> None:
    graph = new_graph()
    page_id = next(iter(graph.world.pages))
    token = graph.identity.mint("USER", scopes=("pages_show_list",), now=NOW, life=None).value
    graph.limits.configure({"platform": 1})

    first, (response, body) = call(graph, page_id, token=token), call(graph, page_id, token=token)

    assert "X-Business-Use-Case-Usage" not in first[0].headers
    assert (response.status, body["error"]["code"]) == (400, 32)
    assert call(graph, "me", token=token)[1]["error"]["code"] == 4


def test_an_instagram_account_has_its_own_budget_whatever_the_token() -> None:
    graph = new_graph()
    account_id = next(iter(graph.world.pages.values())).instagram_id
    graph.limits.configure({"per_impression": 1, "impressions": 1})

    first, (response, body) = call(graph, account_id), call(graph, account_id)

    assert json.loads(first[0].headers["X-Business-Use-Case-Usage"])[account_id][0]["type"] == "instagram"
    assert (response.status, body["error"]["code"]) == (400, 80002)


@pytest.mark.parametrize(("fault", "code", "kind"), [("80001", 80001, "pages"), ("80002", 80002, "instagram")])
def test_a_fault_throttles_a_node_for_a_minute(fault: str, code: int, kind: str) -> None:
    graph = new_graph()
    page = next(iter(graph.world.pages.values()))
    node_id = page.id if kind == "pages" else page.instagram_id
    control(graph, "faults", {"fault": fault, "path": f"GET {node_id}", "times": 1}, {})

    (response, body), (after, _) = call(graph, node_id), call(graph, node_id)

    (usage,) = json.loads(response.headers["X-Business-Use-Case-Usage"])[node_id]
    assert (response.status, body["error"]["code"], after.status) == (400, code, 200)
    assert (usage["type"], usage["call_count"], usage["estimated_time_to_regain_access"]) == (kind, 100, 1)


@pytest.mark.parametrize(("fault", "status", "code"), [("32", 400, 32), ("10", 403, 10), ("100_33", 400, 100)])
def test_a_fault_refuses_a_page(fault: str, status: int, code: int) -> None:
    graph = new_graph()
    control(graph, "faults", {"fault": fault, "path": "GET 3000000000001", "times": 1}, {})

    response, body = call(graph, "3000000000001")

    assert (response.status, body["error"]["code"]) == (status, code)
    assert body["error"].get("error_subcode") == (33 if fault == "100_33" else None)
