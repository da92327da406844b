"""Rate limits, enforced (docs/graph-api.md §6): budgets that refill, and blocks that further calls prolong.

`POST /_sandbox/limits` and a scenario file set every limit, because Meta publishes only some of them."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.limit_settings import LimitSettings

HOUR_S, DAY_S, SCORE_DECAY_S, BLOCK_S = 3600.0, 86_400.0, 300.0, 300.0
WRITE_POINTS = 3.0
_MORE = "Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/"
_RATE_LIMITING = f"{_MORE}overview/rate-limiting"
# The daily limits of a Page and of an Instagram account: the code of each error, and the name of the node in it.
_BY_DAY = {"pages": (80001, "Page"), "instagram": (80002, "Instagram")}


@dataclass
class CallBudget:
    """A limit and how much of it is used: calls in a rolling window, or points that decay linearly over it.

    Moments are POSIX seconds. A clock that was set back counts as no time elapsed.
    """

    limit: float
    _: KW_ONLY
    window_s: float
    block_s: float
    is_decaying: bool = False
    points: float = 0.0
    points_at: float = 0.0
    calls: collections.deque[float] = field(default_factory=collections.deque)
    blocked_until: float = 0.0

    def used(self, now: float) -> float:
        """Return the points in use."""
        if self.is_decaying:
            elapsed_s = max(0.0, now - self.points_at)
            return max(0.0, self.points - elapsed_s * self.limit / self.window_s)
        while self.calls and self.calls[0] <= now - self.window_s:
            self.calls.popleft()
        return float(len(self.calls))

    def used_percent(self, now: float) -> float:
        """Return the points in use in percent of the limit."""
        return 100.0 * self.used(now) / self.limit

    def charge(self, points: float, now: float) -> bool:
        """Charge a call and return whether it is admitted: the first call too many starts a block, and a call during
        the block prolongs it."""
        if now < self.blocked_until:
            self.blocked_until = now + max(self.block_s, (self.blocked_until - now) * 1.5)
            return False
        if self.used(now) + points > self.limit:
            self.blocked_until = now + self.block_s
            return False
        if self.is_decaying:
            self.points, self.points_at = self.used(now) + points, now
        else:
            self.calls.extend([now] * int(points))
        return True

    def regain_minutes(self, now: float) -> int:
        """Return the whole minutes until calls are admitted again, as the usage header has it."""
        return -int(-max(0.0, self.blocked_until - now) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedCall:
    """The limits that a call counts against. `node_id`: the ad account, Page or Instagram account with these limits, by
    use case (`kind`); None for the app's limits. A call to a Page with a person's token is charged to the app but has
    the kind `pages`."""

    node_id: str | None
    kind: str
    active_ads: int = 0


class Limits:
    """The app's budgets, each created by the first call that is charged to it, and counts of calls."""

    def __init__(self) -> None:
        self.settings = LimitSettings()
        self.budgets: dict[str, CallBudget] = {}
        self.admitted: collections.Counter[str] = collections.Counter()
        self.sent_while_blocked: collections.Counter[str] = collections.Counter()

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set another tier or single limits, which resets all budgets and counts; return settings and counts."""
        if changes:
            settings = LimitSettings.of_tier(str(changes.get("tier", self.settings.tier)))
            names = {setting.name for setting in dataclasses.fields(LimitSettings)}
            accepted = {name: value for name, value in changes.items() if name in names}
            self.settings = dataclasses.replace(settings, **accepted)
            self.budgets.clear()
            self.admitted.clear()
            self.sent_while_blocked.clear()
        return {
            "settings": dataclasses.asdict(self.settings), "let_in": dict(self.admitted),
            "sent_while_blocked": dict(self.sent_while_blocked),
        }

    def admit(self, call: ChargedCall, *, is_write: bool, now: dt.datetime) -> None:
        """Charge a call; raise the error of the limit it exceeds."""
        timestamp, owner = now.timestamp(), call.node_id or "app"
        budgets = self._charged(call)
        if any(timestamp < budget.blocked_until for _, budget in budgets):
            self.sent_while_blocked[owner] += 1
        for name, budget in budgets:
            if not budget.charge(WRITE_POINTS if is_write and name == "score" else 1.0, timestamp):
                raise _limit_error("pages_platform" if name == "platform" and call.kind == "pages" else name)
        self.admitted[owner] += 1

    def usage_headers(self, call: ChargedCall, *, now: dt.datetime) -> dict[str, str]:
        """Return the usage headers that are on every response (§6.1)."""
        timestamp, tier = now.timestamp(), self.settings.tier
        percent = round(self._platform().used_percent(timestamp))
        app = {"X-App-Usage": _compact({"call_count": percent, "total_cputime": percent // 2, "total_time": 2})}
        if call.node_id is None:
            return app
        if call.kind in _BY_DAY:
            return app | {"X-Business-Use-Case-Usage": _use_case(call, self._charged(call)[0][1], timestamp)}
        (_, score), (_, hourly) = self._charged(call)
        reset_s = max(score.blocked_until - timestamp, score.used(timestamp) / score.limit * SCORE_DECAY_S)
        headers = app | {
            "X-Business-Use-Case-Usage": _use_case(call, hourly, timestamp, ads_api_access_tier=tier),
            "X-Ad-Account-Usage": _compact({
                "acc_id_util_pct": round(score.used_percent(timestamp), 2),
                "reset_time_duration": round(reset_s), "ads_api_access_tier": tier,
            }),
        }
        if call.kind == "ads_insights":
            headers["X-FB-Ads-Insights-Throttle"] = _compact({
                "app_id_util_pct": round(self._insights_load(timestamp), 2),
                "acc_id_util_pct": round(hourly.used_percent(timestamp), 2), "ads_api_access_tier": tier,
            })
        return headers

    def _charged(self, call: ChargedCall) -> list[tuple[str, CallBudget]]:
        """Return the budgets of a call by name."""
        settings = self.settings
        if call.node_id is None:
            return [("platform", self._platform())]
        if call.kind in _BY_DAY:
            daily = {
                "pages": settings.per_engaged_user * settings.engaged_users,
                "instagram": settings.per_impression * settings.impressions,
            }[call.kind]
            budget = self._budget(
                f"{call.node_id}/{call.kind}", daily, window_s=DAY_S, block_s=settings.day_block_s
            )
            return [(call.kind, budget)]
        is_insights = call.kind == "ads_insights"
        per_ad = settings.per_active_ad if is_insights else settings.per_active_ad / 10
        limit = (settings.insights if is_insights else settings.management) + per_ad * call.active_ads
        score = self._budget(
            f"{call.node_id}/score", settings.score, window_s=SCORE_DECAY_S, block_s=settings.score_block_s,
            is_decaying=True,
        )
        return [("score", score), (call.kind, self._budget(f"{call.node_id}/{call.kind}", limit))]

    def _platform(self) -> CallBudget:
        return self._budget("platform", self.settings.platform)

    def _budget(
        self, key: str, limit: float, *, window_s: float = HOUR_S, block_s: float = BLOCK_S, is_decaying: bool = False
    ) -> CallBudget:
        return self.budgets.setdefault(
            key, CallBudget(limit, window_s=window_s, block_s=block_s, is_decaying=is_decaying)
        )

    def _insights_load(self, timestamp: float) -> float:
        """Return the app's load: the mean over its accounts."""
        insights = [budget for key, budget in self.budgets.items() if key.endswith("/ads_insights")]
        return sum(budget.used_percent(timestamp) for budget in insights) / len(insights) if insights else 0.0


def _limit_error(name: str) -> GraphApiError:
    """Return the error of a budget by its name."""
    if name == "platform":
        return GraphApiError("(#4) Application request limit reached", 4, status=403, is_transient=True)
    if name == "score":
        return GraphApiError("User request limit reached", 17, subcode=2446079, is_transient=True)
    if name == "pages_platform":
        return GraphApiError("(#32) Page request limit reached", 32)
    if name in _BY_DAY:
        code, node = _BY_DAY[name]
        message = f"There have been too many calls to this {node} account. {_RATE_LIMITING}."
        return GraphApiError(f"(#{code}) {message}", code)
    code = 80000 if name == "ads_insights" else 80004
    message = f"There have been too many calls to this ad-account. {_RATE_LIMITING}#{name.replace('_', '-')}."
    return GraphApiError(f"(#{code}) {message}", code, subcode=2446079)


def _use_case(call: ChargedCall, budget: CallBudget, timestamp: float, **more: str) -> str:
    """Return the header of a use case's budget, keyed by its node (docs/graph-api.md §6.1)."""
    used = round(budget.used_percent(timestamp))
    return _compact({call.node_id: [{
        "type": call.kind, "call_count": used, "total_cputime": used // 2, "total_time": used // 2,
        "estimated_time_to_regain_access": budget.regain_minutes(timestamp), **more,
    }]})


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
