"""Leads of the sandbox: who may read them, how far back and in what order, and how calls add leads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.lead import Lead
from facebook_business.adobjects.leadgenform import LeadgenForm
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.leads.edges import SCOPES
from meta_pipeline.sandbox.webhooks.subscriptions import AppSubscription
from meta_pipeline.sandbox.world.cast import PAGES
from meta_pipeline_tests.sandbox.client import NOW, advance, call, fetch_all, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, page_token

FIELDS = "id,created_time,form_id,ad_id,adset_id,campaign_id,is_organic,platform,field_data"


def token(graph: Graph, without: str = "") -> str:
    return page_token(graph, without=without, more=tuple(scope for scope in SCOPES if scope != without))


def forms(graph: Graph) -> list[dict[str, Any]]:
    return fetch_all(graph, f"{PAGE}/leadgen_forms", token=token(graph), limit="2", fields="id,name,status,leads_count")


def test_a_form_lists_the_leads_of_ninety_days_newest_first() -> None:
    graph = new_graph()
    listed = {form["id"]: fetch_all(graph, f"{form['id']}/leads", token=token(graph), limit="4", fields=FIELDS) for form in forms(graph)}
    leads = [lead for of_form in listed.values() for lead in of_form]
    times = [dt.datetime.fromisoformat(lead["created_time"]) for lead in leads]

    assert len(listed) == 3 and len({lead["id"] for lead in leads}) == len(leads) > 20
    assert all(NOW - dt.timedelta(days=90) < time <= NOW for time in times)
    assert all([each["created_time"] for each in of_form] == sorted((each["created_time"] for each in of_form), reverse=True) for of_form in listed.values())
    assert {lead["is_organic"] for lead in leads} == {True, False}
    assert all(("ad_id" in lead) == (not lead["is_organic"]) for lead in leads)
    assert [form["leads_count"] for form in forms(graph)] == [len(listed[form["id"]]) for form in forms(graph)]
    advance(graph, days=91)
    later = {lead["id"] for form in forms(graph) for lead in fetch_all(graph, f"{form['id']}/leads", token=token(graph))}
    assert later and not later & {lead["id"] for lead in leads}


def test_leads_are_filtered_by_time_and_read_by_ad_and_by_id() -> None:
    graph = new_graph()
    form = forms(graph)[0]["id"]
    leads = fetch_all(graph, f"{form}/leads", token=token(graph), fields=FIELDS)
    middle = int(dt.datetime.fromisoformat(leads[len(leads) // 2]["created_time"]).timestamp())
    newer = fetch_all(graph, f"{form}/leads", token=token(graph), filtering=[{"field": "time_created", "operator": "GREATER_THAN", "value": middle}])
    of_an_ad = next(lead for lead in leads if not lead["is_organic"])
    by_ad = fetch_all(graph, f"{of_an_ad['ad_id']}/leads", token=token(graph), fields="id,ad_id")

    assert [lead["id"] for lead in newer] == [lead["id"] for lead in leads[: len(leads) // 2]]
    assert of_an_ad["id"] in {lead["id"] for lead in by_ad} and {lead["ad_id"] for lead in by_ad} == {of_an_ad["ad_id"]}
    assert call(graph, of_an_ad["id"], token=token(graph), fields=FIELDS)[1] == of_an_ad
    assert call(graph, f"{form}/leads", token=token(graph), filtering=[{"field": "email", "operator": "EQUAL", "value": 1}])[1]["error"]["code"] == 100


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_needed(scope: str) -> None:
    graph = new_graph()
    body = call(graph, f"{PAGE}/leadgen_forms", token=token(graph, without=scope))[1]

    assert (body["error"]["code"], scope in body["error"]["message"]) == (200, True)


def test_leads_need_a_task_the_page_s_token_and_the_leads_access_manager() -> None:
    graph = new_graph()
    page, (first, second, _) = token(graph), forms(graph)
    assert call(graph, f"{PAGE}/leadgen_forms")[1]["error"]["code"] == 190
    control(graph, "tasks", {"node": PAGE, "tasks": ["ANALYZE"]}, {})
    assert "MANAGE_LEADS" in call(graph, f"{PAGE}/leadgen_forms", token=page)[1]["error"]["message"]
    control(graph, "tasks", {"node": PAGE, "tasks": ["ANALYZE", "ADVERTISE"]}, {})
    lead = call(graph, f"{first['id']}/leads", token=page)[1]["data"][0]["id"]

    control(graph, "world", {"refused_leads": [first["id"]]}, {})

    assert call(graph, f"{PAGE}/leadgen_forms", token=page)[0].status == 200
    assert call(graph, f"{first['id']}/leads", token=page)[1]["error"]["code"] == 103
    assert call(graph, lead, token=page)[1]["error"]["code"] == 103
    assert call(graph, f"{second['id']}/leads", token=page)[0].status == 200
    access = call(graph, PAGE, token=page, fields="has_lead_access")[1]["has_lead_access"]
    assert (access["enabled_lead_access_manager"], access["can_access_lead"]) == (True, False)


def test_test_leads_are_created_once_read_and_deleted() -> None:
    graph = new_graph()
    page, form = token(graph), forms(graph)[0]["id"]
    before = fetch_all(graph, f"{form}/leads", token=page)
    answers = [{"name": "email", "values": ["planted@example.com"]}]

    created = call(graph, f"{form}/test_leads", "POST", token=page, field_data=answers)[1]

    assert call(graph, created["id"], token=page)[1]["field_data"] == answers
    assert [lead["id"] for lead in fetch_all(graph, f"{form}/test_leads", token=page)] == [created["id"]]
    assert fetch_all(graph, f"{form}/leads", token=page) == before
    assert call(graph, f"{form}/test_leads", "POST", token=page)[1]["error"]["code"] == 100
    assert call(graph, created["id"], "DELETE", token=page)[1] == {"success": True}
    assert call(graph, created["id"], token=page)[1]["error"]["code"] == 100


def test_a_planted_lead_is_the_newest() -> None:
    graph = new_graph()
    planted: Any = control(graph, "leads", {"page_id": PAGE, "answers": {"email": "ann@example.com"}}, {})

    leads = call(graph, f"{planted['form_id']}/leads", token=token(graph))[1]["data"]

    assert leads[0]["id"] == planted["lead_id"] and leads[0]["field_data"] == [{"name": "email", "values": ["ann@example.com"]}]


def test_the_webhook_of_a_lead_is_queued_when_the_app_and_the_page_are_subscribed() -> None:
    graph = new_graph()
    subscriptions = graph.webhooks.subscriptions
    control(graph, "leads", {"page_id": PAGE, "answers": {}}, {})
    subscriptions.of_app["page"] = AppSubscription(object="page", callback_url="http://127.0.0.1:9/webhooks", fields=["feed", "leadgen"])
    control(graph, "leads", {"page_id": PAGE, "answers": {}}, {})
    subscriptions.of_pages[PAGE] = ["leadgen"]
    ad = next(iter(graph.world.ads))

    planted: Any = control(graph, "leads", {"page_id": PAGE, "answers": {"email": "ann@example.com"}, "ad_id": ad}, {})
    call(graph, f"{planted['form_id']}/test_leads", "POST", token=token(graph))
    control(graph, "leads", {"page_id": PAGE, "answers": {}, "webhook": False}, {})

    first, second = (json.loads(delivery.body)["entry"][0] for delivery in graph.webhooks.deliveries.waiting)
    assert first["id"] == PAGE and first["changes"] == [{"field": "leadgen", "value": {
        "leadgen_id": planted["lead_id"], "page_id": PAGE, "form_id": planted["form_id"], "ad_id": ad, "adgroup_id": ad,
        "created_time": int(NOW.timestamp())}}]
    assert "ad_id" not in second["changes"][0]["value"] and b"ann@" not in graph.webhooks.deliveries.waiting[0].body


def test_the_seed_decides_the_leads() -> None:
    def answers(seed: int) -> str:
        graph = Graph(seed=seed, now=NOW)
        return str(call(graph, f"{forms(graph)[0]['id']}/leads", token=token(graph))[1]["data"])

    assert answers(1) == answers(1) != answers(2)


@pytest.fixture
def page_api(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    monkeypatch.setattr(FacebookSession, "GRAPH", shared_sandbox.url)
    app = shared_sandbox.app
    person = shared_sandbox.control("tokens", {"scopes": list(SCOPES)})["access_token"]
    api = FacebookAdsApi.init(app["app_id"], app["app_secret"], person, api_version="v24.0", crash_log=False)
    (page,) = [each for each in api.call("GET", ["me", "accounts"]).json()["data"] if each["id"] == PAGES[0].id]
    yield FacebookAdsApi.init(app["app_id"], app["app_secret"], page["access_token"], api_version="v24.0", crash_log=False)
    FacebookAdsApi.set_default_api(None)


def test_the_official_sdk_reads_forms_leads_and_a_test_lead(page_api: FacebookAdsApi) -> None:
    forms = list(Page(PAGES[0].id, api=page_api).get_lead_gen_forms(fields=["id", "name", "status"]))
    by_form = {form["id"]: list(LeadgenForm(form["id"], api=page_api).get_leads(fields=FIELDS.split(","), params={"limit": 5})) for form in forms}
    lead = next(lead for leads in by_form.values() for lead in leads if not lead["is_organic"])

    assert len(forms) == 3 and sum(map(len, by_form.values())) > 20
    assert lead["id"] in {each["id"] for each in Ad(lead["ad_id"], api=page_api).get_leads(fields=["id"])}
    assert Lead(lead["id"], api=page_api).api_get(fields=FIELDS.split(",")).export_all_data() == lead.export_all_data()
    created = LeadgenForm(forms[0]["id"], api=page_api).create_test_lead()
    assert Lead(created["id"], api=page_api).api_get(fields=["field_data"])["field_data"][0]["values"] == ["test@meta.com"]
    Lead(created["id"], api=page_api).api_delete()
