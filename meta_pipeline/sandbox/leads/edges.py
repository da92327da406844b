"""The paths of lead forms and leads (docs/graph-api.md §12), and who may read them.

Leads Access Manager refuses people whom the administrators of a Page have not allowed, even with the right tasks."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from meta_pipeline.sandbox.leads.submissions import Answers, Form, Lead, Submissions, created_at
from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields, top_level_names
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Account, Entity, Page
from meta_pipeline.sandbox.world.world import World

SCOPES = ("leads_retrieval", "ads_management", "pages_manage_ads", "pages_read_engagement", "pages_show_list")
TASKS = ("ADVERTISE", "MANAGE_LEADS", "MANAGE")
ACCESS_FIELD = "has_lead_access"
_LEAD_FIELDS = ("id", "created_time", "field_data")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt, "GREATER_THAN_OR_EQUAL": operator.ge, "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


class LeadEdges:
    """Answers the paths of forms and leads. `queue_webhook` queues the delivery of a change."""

    def __init__(
        self, *, world: World, access: NodeAccess, promoted_page: Callable[[Account], Page],
        queue_webhook: Callable[[Page, dict[str, Any]], None],
    ) -> None:
        self.world, self.access = world, access
        self.submissions = Submissions(world, promoted_page)
        self._promoted_page, self._queue_webhook = promoted_page, queue_webhook

    def page_of(self, node_id: str, call_now: Any) -> Page | None:
        """Return the Page of a form or a lead; None for any other id."""
        if form := self.submissions.forms.get(node_id):
            return form.page
        lead = self.submissions.find(node_id, call_now)
        return lead.form.page if lead else None

    def answers_page(self, call: NodeCall) -> bool:
        """Check whether a call to a Page is about its leads."""
        return call.edge == "leadgen_forms" or (call.edge == "" and ACCESS_FIELD in top_level_names(call.fields))

    def answer_page(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return a page of a Page's forms, or who may read its leads."""
        if call.edge == "":
            _check_scopes(call, ("leads_retrieval",))
            node = {"_type": "Page", "id": page.id, "name": page.name, ACCESS_FIELD: self._lead_access(call, page)}
            return select_fields(node, call.fields)
        self._check(call, page)
        return paginate(
            call.request, self.submissions.forms_of(page),
            lambda form: select_fields(self._form(call, form), call.fields, ("id", "name", "status", "locale")),
        )

    def answer(self, call: NodeCall) -> dict[str, Any] | None:
        """Return a form, a lead or an edge of one; None for an id that is neither."""
        if form := self.submissions.forms.get(call.node_id):
            return self._answer_form(call, form)
        if lead := self.submissions.find(call.node_id, call.now):
            self._check(call, lead.form.page)
            self._check_lead_access(call, lead.form)
            if call.request.method == "DELETE" and lead.is_test and call.edge == "":
                self.submissions.deleted.add(lead.id)
                return {"success": True}
            if call.edge == "" and call.request.method == "GET":
                return select_fields(_lead(lead), call.fields, _LEAD_FIELDS)
            raise unknown_path(call.request.path)
        return None

    def answer_ad(self, call: NodeCall, ad: Entity) -> dict[str, Any]:
        """Return a page of an ad's leads, without those of forms that the caller may not read."""
        page = self._promoted_page(ad.account)
        self._check(call, page)
        leads = [lead for lead in self.submissions.of_ad(ad, call.now) if not self._is_refused(lead.form)]
        return self._list(call, leads)

    def plant(self, body: Mapping[str, Any], now: Any) -> dict[str, str]:
        """Add a lead (see `Submissions.plant`) and queue its webhook, unless `webhook` is false; return the ids."""
        lead = self.submissions.plant(body, now)
        if body.get("webhook", True):
            self._announce(lead)
        return {"lead_id": lead.id, "form_id": lead.form.id, "page_id": lead.form.page.id}

    def _answer_form(self, call: NodeCall, form: Form) -> dict[str, Any]:
        self._check(call, form.page)
        match call.request.method, call.edge:
            case "GET", "":
                return select_fields(self._form(call, form), call.fields, ("id", "name", "status", "locale"))
            case "GET", "leads":
                self._check_lead_access(call, form)
                return self._list(call, self.submissions.of_form(form, call.now))
            case "GET", "test_leads":
                self._check_lead_access(call, form)
                return self._list(call, self.submissions.test_leads(form, call.now))
            case "POST", "test_leads":
                return self._create_test_lead(call, form)
        raise unknown_path(call.request.path)

    def _create_test_lead(self, call: NodeCall, form: Form) -> dict[str, Any]:
        if self.submissions.test_leads(form, call.now):
            raise GraphApiError(
                "(#100) Test lead is already created for this form. Delete it before you create another one.", 100
            )
        lead = self.submissions.add(form, _answers_in(call.request), call.now, is_test=True)
        self._announce(lead)
        return {"id": lead.id}

    def _list(self, call: NodeCall, leads: list[Lead]) -> dict[str, Any]:
        return paginate(
            call.request, _filtered(call.request, leads),
            lambda lead: select_fields(_lead(lead), call.fields, _LEAD_FIELDS),
            key=lambda lead: f"{lead.at.isoformat()} {lead.id}",
        )

    def _check(self, call: NodeCall, page: Page) -> None:
        if call.token.page_id != page.id:
            raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
        _check_scopes(call, SCOPES)
        if not self._has_task(call, page):
            raise GraphApiError(
                "(#200) The user must have the ADVERTISE or MANAGE_LEADS task on this Page", 200, status=403
            )

    def _check_lead_access(self, call: NodeCall, form: Form) -> None:
        if self._is_refused(form):
            raise GraphApiError(
                "(#103) CRM access has been revoked from Leads Access Manager", 103, status=403,
                user_msg="Add your CRM in the Leads Access Manager settings of the Page.",
            )

    def _is_refused(self, form: Form) -> bool:
        return bool({form.id, form.page.id} & self.world.options.refused_leads)

    def _has_task(self, call: NodeCall, page: Page) -> bool:
        tasks = self.access.tasks_of(call.token.subject_id, page.id)
        return tasks is None or bool(set(TASKS) & set(tasks))

    def _lead_access(self, call: NodeCall, page: Page) -> dict[str, Any]:
        refused = any(self._is_refused(form) for form in self.submissions.forms_of(page))
        has_task = self._has_task(call, page)
        return {
            "page_id": page.id, "user_id": call.token.subject_id, "enabled_lead_access_manager": refused,
            "can_access_lead": has_task and not refused, "app_has_leads_permission": not refused,
            "user_has_leads_permission": has_task, "is_page_admin": has_task,
            "failure_reason": "The app has no access in Leads Access Manager" if refused else None,
            "failure_resolution": None,
        }

    def _form(self, call: NodeCall, form: Form) -> dict[str, Any]:
        leads = self.submissions.of_form(form, call.now)
        return {
            "_type": "LeadgenForm", "id": form.id, "name": form.name, "status": form.status, "locale": "en_US",
            "created_time": graph_time(created_at(form)), "page_id": form.page.id,
            "page": {"id": form.page.id, "name": form.page.name}, "leads_count": len(leads), "expired_leads_count": 0,
            "organic_leads_count": sum(lead.ad is None for lead in leads), "allow_organic_lead": True,
            "questions": [{"key": "email", "label": "E-mail", "type": "EMAIL"}], "creator": None, "context_card": None,
            "legal_content": None, "privacy_policy_url": None, "thank_you_page": None, "tracking_parameters": None,
            "follow_up_action_url": None, "follow_up_action_text": None, "is_optimized_for_quality": False,
        }

    def _announce(self, lead: Lead) -> None:
        """Queue the webhook of a new lead, as Meta writes it."""
        value: dict[str, Any] = {
            "leadgen_id": lead.id, "page_id": lead.form.page.id, "form_id": lead.form.id,
            "created_time": int(lead.at.timestamp()),
        }
        if lead.ad is not None:
            value |= {"ad_id": lead.ad.id, "adgroup_id": lead.ad.id}
        self._queue_webhook(lead.form.page, value)


def _check_scopes(call: NodeCall, scopes: tuple[str, ...]) -> None:
    if missing := [scope for scope in scopes if scope not in call.token.scopes]:
        raise GraphApiError(f"(#200) Requires {missing[0]} permission to manage the object", 200, status=403)


def _filtered(request: GraphRequest, leads: list[Lead]) -> list[Lead]:
    """Return the leads that the filters by `time_created` (Unix seconds) select."""
    for rule in request.json_param("filtering", []) or []:
        compare = _COMPARISONS.get(str(rule.get("operator")))
        if rule.get("field") != "time_created" or compare is None:
            raise GraphApiError("(#100) Filtering is supported by time_created only", 100)
        try:
            bound = float(rule.get("value"))
        except (TypeError, ValueError):
            raise GraphApiError("(#100) Filtering value of time_created must be a timestamp", 100) from None
        leads = [lead for lead in leads if compare(int(lead.at.timestamp()), bound)]
    return leads


def _answers_in(request: GraphRequest) -> Answers:
    """Return the answers of a test lead; Meta's test data when none are given."""
    given = request.json_param("field_data", []) or [
        {"name": "email", "values": ["test@meta.com"]}, {"name": "full_name", "values": ["<test lead: dummy data>"]},
    ]
    return tuple((str(each["name"]), tuple(str(value) for value in each["values"])) for each in given)


def _lead(lead: Lead) -> dict[str, Any]:
    ad = lead.ad
    ad_set, campaign = (ad.parents[1], ad.parents[0]) if ad else (None, None)
    return {
        "_type": "Lead", "id": lead.id, "created_time": graph_time(lead.at), "form_id": lead.form.id,
        "ad_id": ad and ad.id, "ad_name": ad and ad.name, "adset_id": ad_set and ad_set.id,
        "adset_name": ad_set and ad_set.name, "campaign_id": campaign and campaign.id,
        "campaign_name": campaign and campaign.name, "is_organic": ad is None, "platform": lead.platform,
        "field_data": [{"name": name, "values": list(values)} for name, values in lead.answers],
        "custom_disclaimer_responses": None, "home_listing": None, "partner_name": None, "post": None,
        "retailer_item_id": None, "vehicle": None, "post_submission_check_result": None,
    }
