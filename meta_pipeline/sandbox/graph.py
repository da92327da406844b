"""The Graph itself: from a request to an answer, in the order in which Meta checks (graph-api.md §14)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from meta_pipeline.sandbox import nodes, page_insights
from meta_pipeline.sandbox.answers import Answer, Ask, Refused, new_trace_id, paged, projected, too_much, unknown_object
from meta_pipeline.sandbox.faults import Faults
from meta_pipeline.sandbox.identity import Identity, Token
from meta_pipeline.sandbox.insights import rows, summary, understood
from meta_pipeline.sandbox.limits import Limits
from meta_pipeline.sandbox.report_runs import ReportRuns
from meta_pipeline.sandbox.world import (
    CATALOGS,
    OWN,
    PARTNERS,
    PIXELS,
    SYSTEM_USER_ID,
    USER_ID,
    Account,
    Entity,
    Page,
    Shared,
    World,
)

DEFAULT_VERSION = "v24.0"
KNOWN_VERSIONS = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
# Marketing API ends before the Graph API does (graph-api.md §1.1): v24.0 is carried on, older ones are refused.
UPGRADED, UPGRADES_TO = ("v24.0",), "v25.0"
REJECTED = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0")
Reached = TypeVar("Reached", Account, Page)
_EDGES = {"campaigns": "campaign", "adsets": "adset", "ads": "ad"}


class Graph:
    """One world, served."""

    def __init__(self, *, seed: int, now: dt.datetime | None, accounts: int = 6) -> None:
        self.world = World(seed, accounts)
        self.identity = Identity(self.world)
        self.runs = ReportRuns(self.world)
        self.faults = Faults()
        self.fixed_now = now
        self.calls: dict[str, int] = {}
        self.limits = Limits()
        self.tasks: dict[str, list[str]] = {}  # of the nodes whose tasks were changed; none left: not reachable
        self._active_ads = {
            account_id: sum(1 for ad in self.world.ads_of(account_id) if ad.status == "ACTIVE")
            for account_id in self.world.accounts
        }
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        """The server's clock: the one it was given, or the real one."""
        return self.fixed_now or self.clock()

    def answer(self, ask: Ask) -> Answer:
        """The answer to a request, with the headers that are on every one."""
        trace_id = new_trace_id()
        headers = {
            "x-fb-trace-id": trace_id, "x-fb-request-id": "R" + trace_id, "x-fb-rev": "1031234567",
            "facebook-api-version": ask.version or DEFAULT_VERSION,
        }
        self._count(ask)
        try:
            headers |= self._version(ask)
            if ask.path or ask.method != "POST":  # a batch is charged by its operations
                self.limits.admit(**self._charge(ask), is_write=_is_write(ask), now=self.now())
            fault = self.faults.take(ask)
            answer = fault or Answer(self._dispatch(ask))
        except Refused as refused:
            answer = refused.answer(trace_id)
        used = self.limits.headers(**self._charge(ask), now=self.now())
        answer.headers = {**headers, **used, **answer.headers}
        return answer

    def _charge(self, ask: Ask) -> dict[str, Any]:
        """Whose budget a call is charged to: the ad account's, by use case, or the app's own."""
        account = self._account_of(ask.path)
        return {
            "account_id": account.id if account else None,
            "active_ads": self._active_ads.get(account.id, 0) if account else 0,
            "kind": "ads_insights" if "insights" in ask.path or ask.path in self.runs.runs else "ads_management",
        }

    def _account_of(self, path: str) -> Account | None:
        head = path.partition("/")[0]
        for entities in (self.world.ads, self.world.ad_sets, self.world.campaigns):
            if head in entities:
                return entities[head].account
        if head in self.runs.runs:
            return self.runs.runs[head].account
        return self.world.accounts.get(head.removeprefix("act_")) if head.startswith("act_") else None

    def _count(self, ask: Ask) -> None:
        pattern = re.sub(r"\d{6,}", "{id}", f"{ask.method} /{ask.path}")
        self.calls[pattern] = self.calls.get(pattern, 0) + 1

    def _version(self, ask: Ask) -> dict[str, str]:
        if ask.version and ask.version not in KNOWN_VERSIONS:
            raise Refused(f"Unknown path components: /{ask.version}/{ask.path}", 2500)
        ask.marketing = self._is_marketing(ask.path)
        if not ask.marketing:
            return {}
        if not ask.version or ask.version in REJECTED:
            raise Refused(
                "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: "
                f"{UPGRADES_TO}.", 2635,
            )
        if ask.version in UPGRADED:
            return {
                "facebook-api-version": UPGRADES_TO,
                "X-Ad-Api-Version-Warning": f"The call has been auto-upgraded to {UPGRADES_TO} as {ask.version} has "
                "been deprecated",
            }
        return {}

    def _is_marketing(self, path: str) -> bool:
        head, _, edge = path.partition("/")
        world = self.world
        return (
            head.startswith("act_") or head in world.ads or head in world.ad_sets or head in world.campaigns
            or head in self.runs.runs or edge == "adaccounts"
        )

    def _dispatch(self, ask: Ask) -> Any:
        now = self.now()
        if ask.path == "oauth/access_token":
            return self.identity.exchange(ask, now)
        if ask.path == "oauth/revoke":
            return self.identity.revoke(ask)
        if ask.path == "debug_token":
            return self.identity.debug(ask, now)
        if ask.path == "" and ask.method == "POST":
            return self._batch(ask)
        token = self.identity.authenticate(ask, now)
        if "ids" in ask.params and ask.path == "":
            raise Refused("The ids query parameter is deprecated in v26.0+.", 100, status=500)
        head, _, edge = ask.path.partition("/")
        if head == "me":
            head = token.page_id or token.subject_id
        if ask.method == "DELETE" and edge.startswith("permissions"):
            return self._revoke(token, edge.partition("/")[2])
        if head.startswith("act_"):
            return self._account(ask, head, edge, token, now)
        if head in (USER_ID, SYSTEM_USER_ID):
            return self._person(ask, head, edge, token, now)
        if head in nodes.BUSINESSES:
            return self._business(ask, head, edge, token, now)
        for found in (self.world.campaigns, self.world.ad_sets, self.world.ads):
            if head in found:
                _need(token, "ads_read", "ads_management")
                return self._entity(ask, found[head], edge, now)
        if head in self.runs.runs:
            run = self.runs.find(head, now)
            if edge == "insights":
                return self.runs.read(run, ask, now)
            status = run.status(ask.version)
            defaults = ("id", "account_id", "time_ref", "time_completed", "async_status", "async_percent_completion")
            return projected({"_type": "AdReportRun", **status}, ask.params.get("fields"), defaults)
        for one in self.world.pages.values():
            if head == one.id and edge == "insights":
                return page_insights.answer(ask, one, self.world.seed, token, now, may_read=self._may_read(one.id))
            if head == one.id:
                node = nodes.page(one, self.identity.page_token(one.id, token, now), sees_business=True)
                return projected(node, ask.params.get("fields"), ("id", "name"))
            if head == one.instagram_id:
                return projected(nodes.instagram(one), ask.params.get("fields"), ("id",))
        raise unknown_object(head) if head.isdigit() else Refused(f"Unknown path components: /{ask.path}", 2500)

    def _person(self, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
        sees = "business_management" in token.scopes
        match edge:
            case "":
                name = "Sam Operator" if head == USER_ID else "Northwind ELT (system user)"
                return projected({"_type": "User", "id": head, "name": name}, ask.params.get("fields"), ("id", "name"))
            case "permissions":
                told = self.identity.permissions if token.kind == "USER" else {}
                known = {scope: status for scope, status in told.items() if scope not in token.scopes}
                return {"data": [
                    *({"permission": scope, "status": "granted"} for scope in token.scopes),
                    *({"permission": scope, "status": "declined"} for scope, status in known.items()
                      if status == "declined"),
                ]}
            case "accounts":
                _need(token, "pages_show_list")
                return paged(ask, self._reached(self.world.pages.values()), lambda one: projected(
                    nodes.page(one, self.identity.page_token(one.id, token, now), sees_business=sees,
                               tasks=self.tasks.get(one.id)),
                    ask.params.get("fields"), ("access_token", "category", "category_list", "name", "id", "tasks"),
                ))
            case "adaccounts":
                _need(token, "ads_read", "ads_management")
                return paged(ask, self._reached(self.world.accounts.values()), lambda one: projected(
                    nodes.account(one, self.world, now, sees_business=sees, tasks=self.tasks.get(one.id)),
                    ask.params.get("fields"),
                    ("id", "account_id"),
                ))
            case "businesses":
                _need(token, "business_management")
                return paged(ask, [OWN], lambda one: projected(
                    nodes.business(one), ask.params.get("fields"), ("id", "name")
                ))
        raise Refused(f"Unknown path components: /{edge}", 2500)

    def _reached(self, found: Iterable[Reached]) -> list[Reached]:
        return [one for one in found if self.tasks.get(one.id) != []]

    def _may_read(self, node_id: str) -> bool:
        return "ANALYZE" in self.tasks.get(node_id, ["ANALYZE"])

    def _business(self, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
        _need(token, "business_management")
        is_ours = head == OWN.id
        accounts = [one for one in self.world.accounts.values() if (one.business == OWN) == is_ours]
        pages = [one for one in self.world.pages.values() if (one.business == OWN) == is_ours]
        shared = [one for one in self.world.accounts.values() if one.business != OWN] if is_ours else []
        shared_pages = [one for one in self.world.pages.values() if one.business != OWN] if is_ours else []
        fields = ask.params.get("fields")

        def show_account(one: Account) -> dict[str, Any]:
            return projected(nodes.account(one, self.world, now, sees_business=True), fields, ("id", "account_id"))

        def show_page(one: Any) -> dict[str, Any]:
            return projected(nodes.page(one, None, sees_business=True), fields, ("id", "name"))

        def show_shared(one: Shared) -> dict[str, Any]:
            return projected(nodes.shared(one), fields, ("id", "name"))

        edges: dict[str, tuple[list[Any], Callable[[Any], dict[str, Any]]]] = {
            "owned_ad_accounts": (accounts, show_account),
            "client_ad_accounts": (shared, show_account),
            "owned_pages": (pages, show_page),
            "client_pages": (shared_pages, show_page),
            "clients": (list(PARTNERS) if is_ours else [], lambda one: projected(
                nodes.business(one), fields, ("id", "name"))),
            "agencies": ([] if is_ours else [OWN], lambda one: projected(nodes.business(one), fields, ("id", "name"))),
            "owned_pixels": ([one for one in PIXELS if one.business.id == head], show_shared),
            "client_pixels": ([one for one in PIXELS if is_ours and one.business != OWN], show_shared),
            "owned_product_catalogs": ([one for one in CATALOGS if one.business.id == head], show_shared),
            "client_product_catalogs": ([one for one in CATALOGS if is_ours and one.business != OWN], show_shared),
            "system_users": ([SYSTEM_USER_ID] if is_ours else [], lambda one: {
                "id": one, "name": "Northwind ELT (system user)", "role": "ADMIN"}),
        }
        if not edge:
            return projected(nodes.business(nodes.BUSINESSES[head]), fields, ("id", "name"))
        if edge not in edges:
            raise Refused(f"Unknown path components: /{edge}", 2500)
        found, show = edges[edge]
        return paged(ask, found, show)

    def _account(self, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
        account = self.world.accounts.get(head.removeprefix("act_"))
        if account is None:
            raise unknown_object(head)
        if self.tasks.get(account.id) == []:
            raise unknown_object(head)
        if not {"ads_read", "ads_management"} & set(token.scopes) or (edge and not self._may_read(account.id)):
            raise Refused(
                "(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403
            )
        if edge == "insights":
            return self._insights(ask, account, account, now)
        if edge in _EDGES:
            kind = _EDGES[edge]
            store = {"campaign": self.world.campaigns, "adset": self.world.ad_sets, "ad": self.world.ads}[kind]
            found = nodes.listed(ask, [one for one in store.values() if one.account == account])
            return paged(ask, found, lambda one: projected(nodes.entity(one), ask.params.get("fields")))
        if edge:
            raise Refused(f"Unknown path components: /{edge}", 2500)
        node = nodes.account(account, self.world, now, sees_business="business_management" in token.scopes)
        return projected(node, ask.params.get("fields"), ("id", "account_id"))

    def _entity(self, ask: Ask, one: Entity, edge: str, now: dt.datetime) -> Any:
        if edge == "insights":
            return self._insights(ask, one, one.account, now)
        if edge in ("ads", "adsets"):
            store = self.world.ads if edge == "ads" else self.world.ad_sets
            found = nodes.listed(ask, [child for child in store.values() if one in child.parents])
            return paged(ask, found, lambda child: projected(nodes.entity(child), ask.params.get("fields")))
        if edge:
            raise Refused(f"Unknown path components: /{edge}", 2500)
        return projected(nodes.entity(one), ask.params.get("fields"))

    def _insights(self, ask: Ask, node: Account | Entity, account: Account, now: dt.datetime) -> Any:
        query = understood(ask, node, self.world, now)
        if ask.method == "POST":
            return self.runs.submit(account, query, ask.params, now, self.faults.fate(ask))
        found = rows(query, self.world, now)
        if len(found) > self.runs.most_rows:
            raise too_much()
        page = self.runs.page(ask, found, query)
        if ask.params.get("summary") or ask.params.get("default_summary"):
            page["summary"] = summary(found, query)
        return page

    def _revoke(self, token: Token, name: str) -> dict[str, bool]:
        gone = [name] if name else list(self.identity.permissions)
        self.identity.permissions |= dict.fromkeys(gone, "declined")
        for other in self.identity.tokens.values():
            if other.subject_id == token.subject_id:
                other.scopes = tuple(scope for scope in other.scopes if name and scope != name)
                other.dead = other.dead if name else 458
        return {"success": True}

    def _batch(self, ask: Ask) -> list[dict[str, Any] | None]:
        operations = ask.json("batch")
        if not isinstance(operations, list):
            raise Refused("(#100) batch parameter must be a JSON array", 100)
        if len(operations) > 50:
            raise Refused("Too many requests in batch message. Maximum batch size is 50", 100)
        self.identity.authenticate(ask, self.now())
        include = ask.params.get("include_headers", "true") not in ("false", "0")
        return [self._operation(ask, operation, include) for operation in operations]

    def _operation(self, ask: Ask, operation: dict[str, Any], include: bool) -> dict[str, Any] | None:
        split = urlsplit("/" + str(operation["relative_url"]).lstrip("/"))
        version, path = cut_version(split.path.lstrip("/"))
        params = dict(parse_qsl(split.query)) | dict(parse_qsl(str(operation.get("body", ""))))
        for name in ("access_token", "appsecret_proof"):
            if name in ask.params:
                params.setdefault(name, ask.params[name])
        inner = Ask(
            str(operation.get("method", "GET")).upper(), path, version or ask.version, params, ask.headers, ask.base_url
        )
        if self.faults.is_null(inner):
            return None
        answer = self.answer(inner)
        shown = [{"name": name, "value": value} for name, value in answer.headers.items()] if include else []
        return {"code": answer.status, "headers": shown, "body": answer.content.decode()}


def cut_version(path: str) -> tuple[str, str]:
    """`v25.0/act_1/ads` → (`v25.0`, `act_1/ads`)."""
    found = re.match(r"(v\d+\.\d+)(?:/|$)(.*)", path)
    return (found[1], found[2].strip("/")) if found else ("", path.strip("/"))


def _need(token: Token, *scopes: str) -> None:
    if not set(scopes) & set(token.scopes):
        raise Refused(
            f"(#200) Requires {' or '.join(scopes)} permission to manage the object", 200, status=403
        )


def _is_write(ask: Ask) -> bool:
    """A report run is asked for with POST and reads all the same."""
    return ask.method != "GET" and not ask.path.endswith("/insights")
