"""Every query over the same facts agrees."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from meta_pipeline.sandbox.ads.insights.breakdowns import COMBINATIONS, GATED
from meta_pipeline.sandbox.ads.insights.totals import daily_totals
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(seed=1, now=NOW)


def get(graph: Graph, path: str, *, version: str = "v26.0", token: str | None = None, **params: str):
    headers = {"authorization": f"Bearer {token or graph.identity.system_user_token}"}
    answer = graph.answer(GraphRequest(
        method="GET", path=path, version=version, params=params, headers=headers, base_url="http://sandbox",
    ))
    return answer, json.loads(answer.content)


def rows(graph: Graph, **params: str) -> list[dict]:
    fields = {"fields": "spend,impressions,clicks,reach", "limit": "5000", "time_increment": "1",
              "time_range": '{"since":"2026-11-01","until":"2026-11-05"}'}
    return get(graph, "act_1000000004/insights", **{**fields, **params})[1]["data"]


def total(found: list[dict], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in found), Decimal(0))


@pytest.mark.parametrize("breakdowns", sorted(",".join(sorted(names)) for names in COMBINATIONS if not names & GATED))
def test_a_breakdown_adds_up_to_the_total(graph: Graph, breakdowns: str):
    whole, parts = rows(graph, level="account"), rows(graph, level="account", breakdowns=breakdowns)

    for name in ("spend", "impressions", "clicks"):
        assert total(whole, name) == total(parts, name)


def test_deleted_ads_are_in_the_account_and_not_in_the_default_ad_level(graph: Graph):
    everything = json.dumps([{"field": "ad.effective_status", "operator": "IN",
                              "value": ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"]}])
    whole, default = rows(graph, level="account"), rows(graph, level="ad")

    assert total(default, "spend") < total(whole, "spend")
    assert total(rows(graph, level="ad", filtering=everything), "spend") == total(whole, "spend")


def test_reach_does_not_add_up(graph: Graph):
    assert total(rows(graph, level="account"), "reach") < total(rows(graph, level="ad"), "reach")


def test_young_days_grow_and_old_ones_are_frozen():
    seen = []
    for days in (0, 5, 27, 28, 60):
        graph = Graph(seed=1, now=dt.datetime(2026, 11, 5, 23, tzinfo=dt.UTC) + dt.timedelta(days=days))
        rows = daily_totals(graph.world, dt.date(2026, 11, 3), dt.date(2026, 11, 3), graph.now())["account"]
        seen.append(sum(row["impressions"] for row in rows))

    assert seen[0] < seen[1] < seen[2] <= seen[3] == seen[4]


def test_a_day_that_has_not_begun_has_no_rows(graph: Graph):
    days = '{"since":"2026-11-21","until":"2026-11-25"}'

    assert get(graph, "act_1000000001/insights", time_range=days)[1]["data"] == []


def test_pages_may_be_short_and_end_only_where_next_is_absent(graph: Graph):
    ids, sizes, after = [], [], None
    while True:
        page = get(graph, "act_1000000001/ads", fields="id", limit="3", **({"after": after} if after else {}))[1]
        ids += [row["id"] for row in page["data"]]
        sizes.append(len(page["data"]))
        after = page["paging"]["cursors"]["after"]
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
        ("act_1000000001/insights", {"time_range": '{"since":"2020-01-01","until":"2020-01-02"}'}, 400, 3018),
        ("act_1000000001/ads", {"effective_status": '["DELETED"]'}, 400, 100),
        ("me/nonsense", {}, 400, 2500),
    ],
)
def test_refusals_have_metas_codes(graph: Graph, path: str, params: dict, status: int, code: int):
    answer, body = get(graph, path, **params)

    assert (status, code) == (answer.status, body["error"]["code"])


def test_an_expired_marketing_version_is_carried_on_with_a_warning(graph: Graph):
    answer, _ = get(graph, "act_1000000001", version="v24.0")

    assert answer.headers["facebook-api-version"] == "v25.0"
    assert "auto-upgraded" in answer.headers["X-Ad-Api-Version-Warning"]
    assert get(graph, "act_1000000001", version="v22.0")[1]["error"]["code"] == 2635


def test_a_token_without_ads_read_gets_200(graph: Graph):
    token = graph.identity.mint("USER", scopes=("pages_show_list",), now=NOW, life=None).value
    answer, body = get(graph, "act_1000000001/insights", token=token)

    assert (answer.status, body["error"]["code"]) == (403, 200)


def test_usage_headers_are_on_every_answer(graph: Graph):
    for path in ("me", "act_1000000001", "act_9", "act_1000000001/insights"):
        assert "X-App-Usage" in get(graph, path)[0].headers


def test_a_block_begins_at_the_limit_and_lengthens_when_called_in_it():
    at = [dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)]
    graph = Graph(seed=1, now=None)
    graph.clock = lambda: at[0]
    graph.limits.configure({"tier": "development_access", "score": 3})

    def call() -> tuple[int, dict]:
        answer, _ = get(graph, "act_1000000001", fields="id")
        return answer.status, json.loads(answer.headers["X-Ad-Account-Usage"])

    assert [call()[0] for _ in range(3)] == [200, 200, 200]
    assert call()[0] == 400
    at[0] += dt.timedelta(seconds=200)
    assert call()[0] == 400  # in the block of 300 s: it begins anew
    at[0] += dt.timedelta(seconds=200)
    assert call()[0] == 400
    at[0] += dt.timedelta(seconds=500)
    status, usage = call()
    assert status == 200 and usage["ads_api_access_tier"] == "development_access"
    assert graph.limits.configure({})["sent_while_blocked"] == {"1000000001": 2}


def test_only_so_many_report_runs_are_in_flight():
    graph = Graph(seed=1, now=NOW)
    graph.limits.settings.running_report_runs = 2
    asked = {"level": "account", "time_range": '{"since":"2026-11-01","until":"2026-11-02"}', "fields": "impressions"}

    def post() -> int:
        headers = {"authorization": f"Bearer {graph.identity.system_user_token}"}
        return graph.answer(GraphRequest(
            method="POST", path="act_1000000001/insights", version="v26.0", params=asked, headers=headers, base_url="http://sandbox",
        )).status

    assert [post(), post(), post()] == [200, 200, 400]
