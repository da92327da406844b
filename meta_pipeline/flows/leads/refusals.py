"""Refusals of leads: by Leads Access Manager, or for a missing task. The sentence names the form and the Page, and says
what to do."""

from __future__ import annotations

from typing import Any

from meta_pipeline.display import printable
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ScopeError
from meta_pipeline.records import AccessToken, NodeLink
from meta_pipeline.store.pulls.lead_forms import LeadForm

ACCESS_FIELD = "has_lead_access"
_OF_LEADS_ACCESS_MANAGER = 103


def refusal_of(
    error: ScopeError, *, link: NodeLink, form: LeadForm | None, graph: GraphClient, token: AccessToken
) -> str:
    """Return a sentence about leads that Meta refused; ask Meta for the cause."""
    page = f"the Page {printable(link.name, limit=100)} ({link.id})"
    leads = f"the leads of the form {printable(form.name, limit=100)} ({form.form_id}) of {page}" if form else (
        f"leads of {page}"
    )
    access = _access(link, graph, token)
    if error.code == _OF_LEADS_ACCESS_MANAGER or (
        access.get("enabled_lead_access_manager") is True and access.get("can_access_lead") is False
    ):
        missing = "this app" if access.get("app_has_leads_permission") is False else "this app and the person"
        return (
            f"Leads Access Manager refuses {leads}: in Business settings → Integrations → Leads access, somebody with "
            f"full control of the Page has to add {missing}; other forms are not affected"
        )
    if access.get("user_has_leads_permission") is False:
        return f"{leads} can't be read: the person lacks {CallKind.LEADS.value.task}"
    return f"{leads} can't be read: {error}"


def _access(link: NodeLink, graph: GraphClient, token: AccessToken) -> dict[str, Any]:
    try:
        answer = graph.get(link.id, {"fields": [ACCESS_FIELD]}, token=token, kind=CallKind.LEADS).object
    except GraphError:  # the refusal is reported without its cause
        return {}
    access = answer.get(ACCESS_FIELD)
    return access if isinstance(access, dict) else {}
