"""Routes: which code answers a request, and which ad account is charged for it."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.ads.creatives import ad_of_creative
from meta_pipeline.sandbox.business.sharing import REQUEST_EDGES
from meta_pipeline.sandbox.conversations.threads import CONVERSATION_IDS
from meta_pipeline.sandbox.identity import oauth, people
from meta_pipeline.sandbox.protocol.errors import unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.limits import ChargedCall
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.state import SandboxState
from meta_pipeline.sandbox.world.cast import APP_ID, BUSINESSES, USER_ID
from meta_pipeline.sandbox.world.entities import Account


def dispatch(state: SandboxState, request: GraphRequest) -> Any:
    """Return the body of the response to a request that is not a batch; raise GraphApiError where Graph refuses."""
    now = state.now()
    if request.path == "oauth/access_token":
        return oauth.exchange(state.identity, request, now)
    if request.path == "oauth/revoke":
        return oauth.revoke(state.identity, request)
    if request.path == "debug_token":
        return oauth.debug_token(state.identity, request, now)
    token = state.identity.authenticate(request, now)
    if state.publishing.uploads.serves(request):
        return state.publishing.uploads.receive(request, token)
    node_id, _, edge = request.path.partition("/")
    if node_id == "me":
        node_id = token.page_id or token.subject_id
    return _answer_node(state, NodeCall(request=request, node_id=node_id, edge=edge, token=token, now=now))


def _answer_node(state: SandboxState, call: NodeCall) -> Any:
    node_id = call.node_id
    if call.request.method == "DELETE" and call.edge.startswith("permissions"):
        return people.delete_permissions(state.identity, call)
    if node_id == APP_ID and call.edge == "subscriptions":
        return state.webhooks.subscriptions.answer_app(call)
    if call.edge == "subscribed_apps" and node_id.startswith("act_"):
        return state.webhooks.subscriptions.answer_account(call)
    if call.edge == "subscribed_apps" and state.pages.find(node_id):
        return state.webhooks.subscriptions.answer_page(call)
    if call.edge == "assigned_users":
        return state.system_users.assign(call)
    if call.edge == "agencies" and node_id not in BUSINESSES:
        return state.sharing.answer_agencies(call)
    if call.request.method == "POST" and node_id in BUSINESSES and call.edge in REQUEST_EDGES:
        return state.sharing.request(call)
    if (answer := state.publishing.answer(call)) is not None:
        return answer
    if node_id.startswith("act_"):
        return state.ads.answer_account(call)
    if node_id == USER_ID or state.system_users.find(node_id) is not None:
        return _answer_person(state, call)
    if node_id in BUSINESSES:
        return state.businesses.answer(call)
    if entity := state.world.entity(node_id):
        if call.edge == "leads" and entity.kind == "ad":
            return state.leads.answer_ad(call, entity)
        return state.ads.answer_entity(call, entity)
    if ad := ad_of_creative(node_id, state.world):
        return state.ads.answer_creative(call, ad)
    if state.creation.find(node_id):
        return state.creation.answer(call)
    if node_id in state.report_runs.by_id:
        return state.ads.insights.answer_run(call)
    if page := state.pages.find(node_id):
        if state.leads.answers_page(call):
            return state.leads.answer_page(call, page)
        subject = state.conversations.answer_page if call.edge == "conversations" else state.pages.answer
        return subject(call, page)
    if (answer := state.leads.answer(call)) is not None:
        return answer
    if node_id.startswith(CONVERSATION_IDS) and (answer := state.conversations.answer(call)) is not None:
        return answer
    if page := state.instagram.find(node_id):
        return state.instagram.answer(call, page)
    if post := state.pages.find_post(node_id, call.now):
        return state.pages.answer_post(call, post)
    if media := state.instagram.find_media(node_id, call.now):
        return state.instagram.answer_media(call, media)
    raise unknown_object(node_id) if node_id.replace("_", "").isdigit() else unknown_path(call.request.path)


def _answer_person(state: SandboxState, call: NodeCall) -> Any:
    """Return a person or system user, or one of the edges, each of which belongs to another subject."""
    match call.edge:
        case "":
            user = state.system_users.find(call.node_id)
            return people.person(call, user.name if user else "Sam Operator")
        case "permissions":
            return people.permissions(state.identity, call)
        case "accounts":
            return state.pages.list_pages(call)
        case "adaccounts":
            return state.ads.list_accounts(call)
        case "businesses":
            return state.businesses.list_businesses(call)
        case "applications" | "access_tokens":
            return state.system_users.answer_user(call)
    raise unknown_path(call.edge)


def charged_account(state: SandboxState, path: str) -> Account | None:
    """Return the ad account whose limits a path counts against; None for the app's own."""
    node_id = path.partition("/")[0]
    if entity := state.world.entity(node_id) or ad_of_creative(node_id, state.world):
        return entity.account
    if node_id in state.report_runs.by_id:
        return state.report_runs.by_id[node_id].account
    if account := state.creation.account_of(node_id):
        return account
    return state.world.accounts.get(node_id.removeprefix("act_")) if node_id.startswith("act_") else None


def charged_organic(state: SandboxState, request: GraphRequest) -> ChargedCall | None:
    """Return the limits that a call to a Page, an Instagram account or their publications counts against; None for
    other paths.

    With the token of a Page or a system user these are the Page's limits, with a person's token the app's.
    """
    token = state.identity.find(request.token_text or "")
    node_id = request.path.partition("/")[0]
    if node_id == "me" and token is not None:
        node_id = token.page_id or token.subject_id
    if node_id.startswith(CONVERSATION_IDS) and token is not None:
        node_id = token.page_id or ""
    if account_id := state.instagram.account_id_of(node_id):
        return ChargedCall(node_id=account_id, kind="instagram")
    if page := state.pages.find(node_id.partition("_")[0]) or state.leads.page_of(node_id, state.now()):
        is_own = token is not None and token.kind in ("PAGE", "SYSTEM_USER")
        return ChargedCall(node_id=page.id if is_own else None, kind="pages")
    return None


def is_marketing(state: SandboxState, path: str) -> bool:
    """Check whether a path belongs to the Marketing API, which accepts fewer versions."""
    node_id, _, edge = path.partition("/")
    return (
        node_id.startswith("act_") or node_id in state.report_runs.by_id or edge == "adaccounts"
        or bool(state.world.entity(node_id) or ad_of_creative(node_id, state.world) or state.creation.find(node_id))
    )


def is_write(request: GraphRequest) -> bool:
    """Check for a write; a report run is submitted with POST but only reads."""
    return request.method != "GET" and not request.path.endswith("/insights")
