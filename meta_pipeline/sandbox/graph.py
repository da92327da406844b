"""The Graph itself: from a request to an answer, in the order in which Meta checks (graph-api.md §14)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from meta_pipeline.sandbox import creatives, edges, nodes, page_insights, people
from meta_pipeline.sandbox.answers import Answer, Ask, Refused, new_trace_id, projected, unknown_object
from meta_pipeline.sandbox.batch import batch, cut_version
from meta_pipeline.sandbox.nouns import Account
from meta_pipeline.sandbox.options import number_of
from meta_pipeline.sandbox.scene import Scene
from meta_pipeline.sandbox.tokens import Token, need
from meta_pipeline.sandbox.world import ADS, SYSTEM_USER_ID, USER_ID

__all__ = ["Graph", "cut_version"]

DEFAULT_VERSION = "v24.0"
KNOWN_VERSIONS = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0", "v27.0")
# Marketing API ends before the Graph API does (graph-api.md §1.1): v24.0 is carried on, older ones are refused.
UPGRADED, UPGRADES_TO = ("v24.0",), "v25.0"
REJECTED = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0")


class Graph(Scene):
    """One world, served."""

    def __init__(self, *, seed: int, now: dt.datetime | None, accounts: int = 6, ads: int = ADS) -> None:
        super().__init__(seed=seed, now=now, accounts=accounts, ads=ads)
        self._active_ads: dict[tuple[str, int], int] = {}

    def answer(self, ask: Ask) -> Answer:
        """The answer to a request, with the headers that are on every one."""
        trace_id = new_trace_id()
        headers = {
            "x-fb-trace-id": trace_id, "x-fb-request-id": "R" + trace_id, "x-fb-rev": "1031234567",
            "facebook-api-version": ask.version or DEFAULT_VERSION,
        }
        self._count(ask)
        self.changes.catch_up(self.now())
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
            "active_ads": self._active(account) if account else 0,
            "kind": "ads_insights" if "insights" in ask.path or ask.path in self.runs.runs else "ads_management",
        }

    def _active(self, account: Account) -> int:
        key = account.id, self.world.revision
        if key not in self._active_ads:
            ads = self.world.ads_of(account.id)
            self._active_ads[key] = sum(1 for ad in ads if ad.effective_status == "ACTIVE")
        return self._active_ads[key]

    def _account_of(self, path: str) -> Account | None:
        head = path.partition("/")[0]
        if one := self.world.entity(head) or creatives.ad_of(head, self.world):
            return one.account
        if head in self.runs.runs:
            return self.runs.runs[head].account
        return self.world.accounts.get(head.removeprefix("act_")) if head.startswith("act_") else None

    def _count(self, ask: Ask) -> None:
        pattern = re.sub(r"\d{6,}", "{id}", f"{ask.method} /{ask.path}")
        self.calls[pattern] = self.calls.get(pattern, 0) + 1

    def _version(self, ask: Ask) -> dict[str, str]:
        if ask.version and ask.version not in KNOWN_VERSIONS:
            raise Refused(f"Unknown path components: /{ask.version}/{ask.path}", 2500)
        _refuse_removed(ask)
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
        return (
            head.startswith("act_") or head in self.runs.runs or edge == "adaccounts"
            or bool(self.world.entity(head) or creatives.ad_of(head, self.world))
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
            return batch(self, ask, answer=self.answer)
        token = self.identity.authenticate(ask, now)
        head, _, edge = ask.path.partition("/")
        if head == "me":
            head = token.page_id or token.subject_id
        if ask.method == "DELETE" and edge.startswith("permissions"):
            return self._revoke(token, edge.partition("/")[2])
        if head.startswith("act_"):
            return edges.account(self, ask, head, edge, token, now)
        if head in (USER_ID, SYSTEM_USER_ID):
            return people.person(self, ask, head, edge, token, now)
        if head in nodes.BUSINESSES:
            return people.business(self, ask, head, edge, token, now)
        if entity := self.world.entity(head):
            need(token, "ads_read", "ads_management")
            return edges.entity(self, ask, entity, edge, now)
        if ad := creatives.ad_of(head, self.world):
            need(token, "ads_read", "ads_management")
            return creatives.shown(ad, ask, self.world, now)
        if head in self.runs.runs:
            run = self.runs.find(head, now)
            if edge == "insights":
                return self.runs.read(run, ask, now)
            status = run.status(ask.version)
            defaults = ("id", "account_id", "time_ref", "time_completed", "async_status", "async_percent_completion")
            return projected({"_type": "AdReportRun", **status}, ask.params.get("fields"), defaults)
        for one in self.world.pages.values():
            if head == one.id and edge == "insights":
                return page_insights.answer(ask, one, self.world.seed, token, now, may_read=self.may_read(one.id))
            if head == one.id:
                node = nodes.page(one, self.identity.page_token(one.id, token, now), sees_business=True)
                return projected(node, ask.params.get("fields"), ("id", "name"))
            if head == one.instagram_id:
                return projected(nodes.instagram(one), ask.params.get("fields"), ("id",))
        raise unknown_object(head) if head.isdigit() else Refused(f"Unknown path components: /{ask.path}", 2500)

    def _revoke(self, token: Token, name: str) -> dict[str, bool]:
        gone = [name] if name else list(self.identity.permissions)
        self.identity.permissions |= dict.fromkeys(gone, "declined")
        for other in self.identity.tokens.values():
            if other.subject_id == token.subject_id:
                other.scopes = tuple(scope for scope in other.scopes if name and scope != name)
                other.dead = other.dead if name else 458
        return {"success": True}


def _refuse_removed(ask: Ask) -> None:
    """What Meta removed from the protocol: the multi-read in every version, more with v27.0 (graph-api.md §1.3). Our
    app counts as new."""
    if "ids" in ask.params and ask.path == "":
        raise Refused("The ids query parameter is deprecated in v26.0+.", 100, status=500)
    if number_of(ask.version) >= number_of("v27.0"):
        for name in ("method", "callback"):
            if name in ask.params:
                raise Refused(f"(#100) The {name} parameter is not available in v27.0+.", 100)


def _is_write(ask: Ask) -> bool:
    """A report run is asked for with POST and reads all the same."""
    return ask.method != "GET" and not ask.path.endswith("/insights")
