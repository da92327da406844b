"""Subscriptions to webhooks: create them for the app, Pages and ad accounts, and compare them with what Meta lists
(docs/graph-api.md §11)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.node_kinds import AD_ACCOUNT, PAGE
from meta_pipeline.records import AccessToken, MetaPipelineError, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.webhooks import subscriptions
from meta_pipeline.store.webhooks.subscriptions import Status, Subscription, SubscriptionKind
from meta_pipeline.vault.vault import Vault

_ORDERS: Mapping[SubscriptionKind, tuple[WriteKind, WriteKind]] = {
    "app": (WriteKind.APP_SUBSCRIPTION, WriteKind.APP_UNSUBSCRIPTION),
    "page": (WriteKind.PAGE_SUBSCRIPTION, WriteKind.PAGE_UNSUBSCRIPTION),
    "ad_account": (WriteKind.ACCOUNT_SUBSCRIPTION, WriteKind.ACCOUNT_UNSUBSCRIPTION),
}
_ACCOUNT_FIELDS = ("with_issues_ad_objects", "in_process_ad_objects")
_CAN_EDIT_ADS = "ads_management"


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """Creates and checks subscriptions. `callback_url`: where Meta calls `serve`; `verify_token`: of the handshake."""

    graph: GraphClient
    tokens: Vault
    engine: sa.Engine
    features: Collection[str]
    callback_url: str
    verify_token: str
    now: dt.datetime

    def subscribe(self, links: Iterable[NodeLink]) -> tuple[list[Subscription], list[str]]:
        """Subscribe the app to every object that is used, then to these Pages, and to those ad accounts whose token may
        edit ads. Return the subscriptions, and a sentence for each that Meta refused."""
        self.graph.require(WriteKind.APP_SUBSCRIPTION)
        orders: list[tuple[SubscriptionKind, str, tuple[str, ...]]] = [
            ("app", name, fields) for name, fields in self._fields_of_app().items()
        ]
        nodes = list(links)
        orders += [("page", link.id, self._page_fields()) for link in nodes if link.kind == PAGE.name]
        orders += [
            ("ad_account", link.id, _ACCOUNT_FIELDS) for link in nodes
            if link.kind == AD_ACCOUNT.name and self._can_edit(link.id)
        ]
        made, problems = [], []
        for kind, subject_id, fields in orders:
            subscription = Subscription(
                kind=kind, subject_id=subject_id, fields=fields, status="active", ordered_at=self.now,
                checked_at=self.now,
            )
            try:
                self._order(subscription)
            except MetaPipelineError as error:
                problems.append(f"{subscription.name}: {error}")
                continue
            subscriptions.save(self.engine, subscription)
            made.append(subscription)
        return made, problems

    def unsubscribe(self) -> tuple[list[Subscription], list[str]]:
        """End every subscription that was created here, those of nodes first; return them, and a sentence for each that
        could not be ended."""
        self.graph.require(WriteKind.APP_UNSUBSCRIPTION)
        ended, problems = [], []
        for each in reversed(subscriptions.find_all(self.engine)):
            try:
                params = {"object": each.subject_id} if each.kind == "app" else self._params(each)
                self.graph.write(_ORDERS[each.kind][1], self._path(each), params, token=self._token(each))
            except MetaPipelineError as error:
                problems.append(f"{each.name}: {error}")
                continue
            subscriptions.remove(self.engine, each)
            ended.append(each)
        return ended, problems

    def check(self) -> list[Subscription]:
        """Compare every subscription that was created with what Meta lists; record and return them. A subscription that
        could not be listed is `unknown`."""
        checked = []
        of_app: dict[str, Mapping[str, Any]] | None = None
        for each in subscriptions.find_all(self.engine):
            try:
                if each.kind == "app":
                    if of_app is None:
                        of_app = self._listed_of_app()
                    reason = _why_off_app(each, of_app, self.callback_url)
                else:
                    reason = self._why_off_node(each)
                status: Status = "off" if reason else "active"
            except MetaPipelineError as error:
                status, reason = "unknown", str(error)
            seen = dataclasses.replace(each, status=status, reason=reason, checked_at=self.now)
            subscriptions.save(self.engine, seen)
            checked.append(seen)
        return checked

    def _order(self, subscription: Subscription) -> None:
        params = self._params(subscription)
        kind = _ORDERS[subscription.kind][0]
        self.graph.write(kind, self._path(subscription), params, token=self._token(subscription))

    def _params(self, each: Subscription) -> dict[str, Any]:
        match each.kind:
            case "app":
                return {
                    "object": each.subject_id, "callback_url": self.callback_url, "verify_token": self.verify_token,
                    "fields": each.fields, "include_values": True,
                }
            case "page":
                return {"subscribed_fields": ",".join(each.fields)}
        return {"app_id": self.graph.app.id}

    def _path(self, each: Subscription) -> str:
        return f"{self.graph.app.id}/subscriptions" if each.kind == "app" else f"{each.subject_id}/subscribed_apps"

    def _token(self, each: Subscription) -> AccessToken:
        if each.kind == "app":
            return AccessToken(kind="app", value=self.graph.app.token)
        return self.tokens.reveal_for(each.subject_id, flow="webhooks")

    def _fields_of_app(self) -> dict[str, tuple[str, ...]]:
        return {
            "page": self._page_fields(), "instagram": ("story_insights",), "ad_account": _ACCOUNT_FIELDS,
            "permissions": ("connected", *(name for name in scopes_for(2) if name != "pages_manage_metadata")),
        }

    def _page_fields(self) -> tuple[str, ...]:
        return ("feed", "leadgen") if "leads" in self.features else ("feed",)

    def _can_edit(self, account_id: str) -> bool:
        try:
            scopes = self.tokens.reveal_for(account_id, flow="webhooks").scopes
        except MetaPipelineError:
            return False
        return scopes is not None and _CAN_EDIT_ADS in scopes

    def _listed_of_app(self) -> dict[str, Mapping[str, Any]]:
        token = AccessToken(kind="app", value=self.graph.app.token)
        rows = self.graph.get(
            f"{self.graph.app.id}/subscriptions", token=token, kind=CallKind.APP_SUBSCRIPTIONS
        ).rows
        return {str(row.get("object")): row for row in rows}

    def _why_off_node(self, each: Subscription) -> str | None:
        kind = CallKind.PAGE_SUBSCRIPTIONS if each.kind == "page" else CallKind.ACCOUNT_SUBSCRIPTIONS
        rows = self.graph.get(self._path(each), token=self._token(each), kind=kind).rows
        ours = next((row for row in rows if self.graph.app.id in (row.get("id"), row.get("app_id"))), None)
        if ours is None:
            return "Meta no longer lists the app there"
        return _missing(each.fields, ours.get("subscribed_fields")) if each.kind == "page" else None


def subscriber_of(
    settings: Settings, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, features: Collection[str],
    now: dt.datetime,
) -> Subscriber:
    """Return the subscriber for `serve`; raise ConfigError without a verify token."""
    verify_token = settings.require("webhook_verify_token")
    return Subscriber(
        graph=graph, tokens=tokens, engine=engine, features=features, verify_token=verify_token, now=now,
        callback_url=f"{settings.public_url.rstrip('/')}/webhooks",
    )


def _why_off_app(each: Subscription, listed: Any, callback_url: str) -> str | None:
    """Return why a subscription of the app is off; None if it is on as it was created."""
    row = listed.get(each.subject_id)
    if row is None:
        return "Meta no longer lists it"
    if row.get("active") is False:
        return "Meta has switched it off, as it does when `serve` can't be reached for a long time"
    if row.get("callback_url") not in (None, callback_url):
        return "it calls an address other than META_PIPELINE_PUBLIC_URL"
    fields = row.get("fields")
    if not isinstance(fields, list):
        return None
    return _missing(each.fields, [field.get("name") if isinstance(field, dict) else field for field in fields])


def _missing(ordered: Sequence[str], listed: Any) -> str | None:
    missing = [name for name in ordered if isinstance(listed, list) and name not in listed]
    return f"Meta lists it without {', '.join(missing)}" if missing else None
