"""The rules of every path: pages, errors, versions and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import NOW, call, days


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(seed=1, now=NOW)


def test_pages_may_be_short_and_end_only_where_next_is_absent(graph: Graph) -> None:
    ids: list[str] = []
    sizes: list[int] = []
    after: dict[str, str] = {}
    while True:
        page = call(graph, "act_1000000001/ads", fields="id", limit="3", **after)[1]
        ids += [row["id"] for row in page["data"]]
        sizes.append(len(page["data"]))
        after = {"after": page["paging"]["cursors"]["after"]}
        if "next" not in page["paging"]:
            break

    assert 2 in sizes[:-1]
    assert len(ids) == len(set(ids)) > 20


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("act_1000000001", {"fields": "nonsense"}, 400, 100),
        ("act_9", {}, 400, 100),
        ("act_1000000001/insights", {"breakdowns": "age,country"}, 400, 100),
        ("act_1000000001/insights", {"time_range": days("2020-01-01", "2020-01-02")}, 400, 3018),
        ("act_1000000001/ads", {"effective_status": ["DELETED"]}, 400, 100),
        ("me/nonsense", {}, 400, 2500),
    ],
)
def test_errors_have_metas_codes(graph: Graph, path: str, params: dict[str, Any], status: int, code: int) -> None:
    response, body = call(graph, path, **params)

    assert (response.status, body["error"]["code"]) == (status, code)


def test_an_expired_marketing_version_is_upgraded_with_a_warning(graph: Graph) -> None:
    response, _ = call(graph, "act_1000000001", version="v24.0")

    assert response.headers["facebook-api-version"] == "v25.0"
    assert "auto-upgraded" in response.headers["X-Ad-Api-Version-Warning"]
    assert call(graph, "act_1000000001", version="v22.0")[1]["error"]["code"] == 2635


def test_a_token_without_ads_read_gets_error_code_200(graph: Graph) -> None:
    token = graph.identity.mint("USER", scopes=("pages_show_list",), now=NOW, life=None).value
    response, body = call(graph, "act_1000000001/insights", token=token)

    assert (response.status, body["error"]["code"]) == (403, 200)


def test_a_call_takes_effect_although_its_answer_is_lost_once() -> None:
    graph = Graph(seed=1, now=NOW)
    graph.faults.plan([{"fault": "answer_lost", "path": "^POST .*/system_users$"}])
    statuses = [
        call(graph, "2000000000001/system_users", "POST", name=name, role="EMPLOYEE")[0].status for name in ("ELT", "Second")
    ]

    assert statuses == [504, 200]
    assert {"ELT", "Second"} <= {
        user["name"] for user in call(graph, "2000000000001/system_users", fields="name")[1]["data"]
    }
