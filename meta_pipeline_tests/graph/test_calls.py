"""Every kind of call is charged to the budgets that Meta's own headers name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from harness.virtual_clock import START
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.limits.rate_limits import Charge, charges
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.world.cast import OWN_BUSINESS

GRAPH = Graph(seed=1, now=START)
NODE = f"act_{next(iter(GRAPH.world.accounts))}"
AD = next(ad for ad in GRAPH.world.ads.values() if ad.account.id == NODE.removeprefix("act_"))
PAGE = next(iter(GRAPH.world.pages.values())).id
DAY = {"time_range": '{"since":"2026-11-10","until":"2026-11-10"}', "fields": "ad_id,impressions", "level": "ad"}


def ask(method: str, path: str, params: Mapping[str, str]) -> tuple[dict[str, str], Any]:
    sent = GraphRequest(
        method=method, path=path, version="v26.0", params=dict(params),
        headers={"authorization": f"Bearer {GRAPH.identity.system_user_token}"}, base_url="http://sandbox",
    )
    answer = GRAPH.answer(sent)
    return answer.headers, json.loads(answer.content)


def named(headers: Mapping[str, str]) -> set[Charge]:
    """Return the budgets that the usage headers of a response name."""
    usage = {name.lower(): json.loads(value) for name, value in headers.items() if name.lower().startswith("x-") and value[:1] == "{"}
    budgets: set[Charge] = set()
    for node_id, entries in usage.get("x-business-use-case-usage", {}).items():
        prefix = "act_" if node_id in GRAPH.world.accounts else ""
        budgets |= {Charge(entry["type"], f"{prefix}{node_id}") for entry in entries}
        if "x-ad-account-usage" in usage:
            budgets.add(Charge("score", f"act_{node_id}"))
    if "x-fb-ads-insights-throttle" in usage:
        budgets.add(Charge("insights_load"))
    return budgets or {Charge("platform")}


def report_run() -> str:
    _, body = ask("POST", f"{NODE}/insights", DAY)
    return str(body["report_run_id"])


CALLS: list[tuple[CallKind, str, str, dict[str, str]]] = [
    (CallKind.IDENTITY, "GET", "me", {"fields": "id,name"}),
    (CallKind.IDENTITY, "GET", "debug_token", {"input_token": "x", "access_token": "x"}),
    (CallKind.IDENTITY, "GET", "oauth/access_token", {"client_id": "x"}),
    (CallKind.PERMISSIONS, "GET", "me/permissions", {}),
    (CallKind.BUSINESSES, "GET", "me/businesses", {}),
    (CallKind.BUSINESSES, "GET", f"{OWN_BUSINESS.id}/owned_pixels", {}),
    (CallKind.BUSINESSES, "GET", f"{OWN_BUSINESS.id}/client_product_catalogs", {}),
    (CallKind.PAGES, "GET", "me/accounts", {}),
    (CallKind.PAGE_INSIGHTS, "GET", f"{PAGE}/insights", {"metric": "page_media_view", "period": "day"}),
    (CallKind.AD_ACCOUNTS, "GET", "me/adaccounts", {}),
    (CallKind.AD_OBJECTS, "GET", NODE, {}),
    (CallKind.AD_OBJECTS, "GET", f"{NODE}/campaigns", {}),
    (CallKind.AD_OBJECTS, "GET", f"{NODE}/adsets", {}),
    (CallKind.AD_OBJECTS, "GET", f"{NODE}/ads", {}),
    (CallKind.AD_OBJECTS, "GET", f"{NODE}/adcreatives", {}),
    (CallKind.AD_OBJECTS, "GET", AD.id, {}),
    (CallKind.AD_OBJECTS, "GET", AD.parents[0].id, {}),
    (CallKind.AD_OBJECTS, "GET", "creative", {}),
    (CallKind.INSIGHTS, "GET", f"{NODE}/insights", DAY),
    (CallKind.INSIGHTS, "POST", f"{NODE}/insights", DAY),
    (CallKind.REPORT_RUN, "GET", "run", {}),
    (CallKind.REPORT_RUN, "GET", "run/insights", {}),
]


@pytest.mark.parametrize(("kind", "method", "path", "params"), CALLS, ids=[f"{m} {p}" for _, m, p, _ in CALLS])
def test_a_call_is_charged_to_the_budgets_that_the_headers_name(
    kind: CallKind, method: str, path: str, params: dict[str, str]
) -> None:
    if path.startswith("run"):
        path = path.replace("run", report_run())
    if path == "creative":
        path = ask("GET", f"{NODE}/adcreatives", {"limit": "1"})[1]["data"][0]["id"]
    headers, _ = ask(method, path, params)

    assert named(headers) == set(charges(kind, path, None if path.startswith(PAGE) else NODE))


def test_ads_read_by_id_are_charged_to_ads_management() -> None:
    assert charges(CallKind.AD_OBJECTS, AD.id, NODE) == (Charge("score", NODE), Charge("ads_management", NODE))
