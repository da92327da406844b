"""Subscriptions to webhooks: of the app (`/{app}/subscriptions`), of Pages and ad accounts (`…/subscribed_apps`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.webhooks.delivery import get
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.cast import APP_ID
from meta_pipeline.sandbox.world.world import World

# The fields of each object that this sandbox knows; of `permissions` there is one per permission.
FIELDS: dict[str, frozenset[str]] = {
    "page": frozenset(("feed", "leadgen", "mention", "ratings", "videos", "conversations", "messages")),
    "instagram": frozenset(("story_insights", "comments", "mentions")),
    "ad_account": frozenset((
        "with_issues_ad_objects", "in_process_ad_objects", "ad_recommendations", "creative_fatigue",
        "product_set_issue",
    )),
    "permissions": frozenset((
        "ads_read", "ads_management", "business_management", "connected", "instagram_basic",
        "instagram_manage_insights", "leads_retrieval", "pages_manage_metadata", "pages_read_engagement",
        "pages_show_list", "read_insights",
    )),
}
_PAGE_TASKS = frozenset(("CREATE_CONTENT", "MANAGE", "MODERATE"))
_ACCOUNT_TASKS = frozenset(("ADVERTISE", "MANAGE"))
_VERSION = "v24.0"


@dataclass(kw_only=True)
class AppSubscription:
    """The app's subscription to one object; Meta switches it off when deliveries fail for long."""

    object: str
    callback_url: str
    fields: list[str]
    is_active: bool = True
    includes_values: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the subscription as the edge lists it."""
        return {
            "object": self.object, "callback_url": self.callback_url, "active": self.is_active,
            "fields": [{"name": name, "version": _VERSION} for name in self.fields],
        }


@dataclass(kw_only=True)
class Subscriptions:
    """Every subscription of the app. `of_app`: by object; `of_pages`: the subscribed fields by Page id; `of_accounts`:
    ad account ids."""

    world: World
    access: NodeAccess
    of_app: dict[str, AppSubscription] = field(default_factory=dict)
    of_pages: dict[str, list[str]] = field(default_factory=dict)
    of_accounts: set[str] = field(default_factory=set)

    def answer_app(self, call: NodeCall) -> dict[str, Any]:
        """List, create or delete subscriptions of the app (`/{app}/subscriptions`), with the app's token only."""
        if call.token.kind != "APP":
            raise GraphApiError("(#15) This method must be called with an app access_token.", 15)
        if call.request.method == "GET":
            rows = [each.to_json() for each in self.of_app.values()]
            return paginate(call.request, rows, lambda row: row)
        name, params = call.request.params.get("object", ""), call.request.params
        if name not in FIELDS:
            raise GraphApiError("(#100) Param object must be one of the objects", 100)
        if call.request.method == "DELETE":
            self._delete(name, call.request.list_param("fields"))
            return {"success": True}
        fields = call.request.list_param("fields")
        if not fields or set(fields) - FIELDS[name]:
            raise GraphApiError("(#100) Invalid parameter: fields", 100)
        url = params.get("callback_url", "")
        _verify_callback(url, params.get("verify_token", ""))
        self.of_app[name] = AppSubscription(
            object=name, callback_url=url, fields=sorted(fields),
            includes_values=params.get("include_values") in ("true", "1"),
        )
        return {"success": True}

    def _delete(self, name: str, fields: list[str]) -> None:
        subscription = self.of_app.get(name)
        if subscription is None:
            return
        subscription.fields = [each for each in subscription.fields if fields and each not in fields]
        if not subscription.fields:
            del self.of_app[name]

    def answer_page(self, call: NodeCall) -> dict[str, Any]:
        """List, create or delete the app's subscription to a Page, with the Page's token."""
        page_id = call.node_id
        require_scope(call.token, "pages_manage_metadata")
        require_scope(call.token, "pages_show_list")
        if call.token.page_id != page_id:
            raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
        if call.request.method == "GET":
            rows = [
                {"category": "Business", "link": "https://www.example/", "name": "Meta Pipeline", "id": APP_ID,
                 "subscribed_fields": fields}
                for fields in [self.of_pages.get(page_id)] if fields
            ]
            return paginate(call.request, rows, lambda row: row)
        if not self._has_task(call, page_id, _PAGE_TASKS):
            raise GraphApiError("(#200) The user must have MODERATE, CREATE_CONTENT or MANAGE on the Page", 200)
        if call.request.method == "DELETE":
            self.of_pages.pop(page_id, None)
            return {"success": True}
        fields = call.request.list_param("subscribed_fields")
        if not fields or set(fields) - FIELDS["page"]:
            raise GraphApiError("(#100) Param subscribed_fields must be a list of the fields of a Page", 100)
        if "leadgen" in fields:
            require_scope(call.token, "leads_retrieval")
        self.of_pages[page_id] = sorted(fields)
        return {"success": True}

    def answer_account(self, call: NodeCall) -> dict[str, Any]:
        """List, create or delete the app's subscription to an ad account."""
        account_id = call.node_id.removeprefix("act_")
        if account_id not in self.world.accounts:
            raise unknown_object(call.node_id)
        require_scope(call.token, "ads_management")
        if call.request.method == "GET":
            rows = [{"app_id": APP_ID, "app_name": "Meta Pipeline"}] if account_id in self.of_accounts else []
            return paginate(call.request, rows, lambda row: row)
        if not self._has_task(call, account_id, _ACCOUNT_TASKS):
            raise GraphApiError("(#200) The user must be able to edit the ad account", 200)
        if call.request.params.get("app_id") != APP_ID:
            raise GraphApiError("(#100) The parameter app_id is required", 100)
        if call.request.method == "DELETE":
            self.of_accounts.discard(account_id)
        elif call.request.method == "POST":
            self.of_accounts.add(account_id)
        else:
            raise unknown_path(call.request.path)
        return {"success": True}

    def _has_task(self, call: NodeCall, node_id: str, tasks: frozenset[str]) -> bool:
        theirs = self.access.tasks_of(call.token.subject_id, node_id)
        return theirs is None or bool(tasks & set(theirs))

    def switch(self, name: str, *, is_active: bool) -> None:
        """Switch a subscription of the app off, as Meta does after failures for a long time, or on."""
        if name not in self.of_app:
            raise ValueError(f"the app has no subscription to {name}")
        self.of_app[name].is_active = is_active

    def to_json(self) -> dict[str, Any]:
        """Return every subscription, for tests."""
        return {
            "app": [each.to_json() for each in self.of_app.values()], "pages": self.of_pages,
            "ad_accounts": sorted(self.of_accounts),
        }


def _verify_callback(url: str, verify_token: str) -> None:
    """Send the handshake to a callback URL, as Meta does before it accepts a subscription."""
    challenge = "1158201444"
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        status, body = get(url, query)
    except ValueError as error:
        raise GraphApiError(f"(#2200) Callback verification failed: {error}", 2200) from error
    if status != 200 or body.strip() != challenge:
        raise GraphApiError(f"(#2200) Callback verification failed: HTTP Status Code = {status}", 2200)
