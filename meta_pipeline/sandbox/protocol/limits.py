"""Rate limits, enforced (docs/graph-api.md §6): budgets that refill, and blocks that lengthen when called during one.

`POST /_sandbox/limits` and a scenario file set every limit, because Meta publishes only some of them."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError

HOUR_S, SCORE_DECAY_S, BLOCK_S = 3600.0, 300.0, 300.0
WRITE_POINTS = 3.0
_MORE = "Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/"
_BUC_MESSAGE = f"There have been too many calls to this ad-account. {_MORE}overview/rate-limiting"


@dataclass(kw_only=True)
class LimitSettings:
    """The limits of an access tier, by the names of the control call: calls per hour, except the score (points that
    decay over 300 s). The defaults are those that Meta publishes for standard access (§6.2)."""

    tier: str = "standard_access"
    platform: float = 20_000.0
    insights: float = 190_000.0
    management: float = 100_000.0
    per_active_ad: float = 400.0
    score: float = 9_000.0
    score_block_s: float = 60.0
    running_report_runs: int = 100
    # Data per call (§2.8): Meta publishes no bounds. 0 means no bound.
    rows_a_request: int = 1_000_000
    page_bytes: int = 4_000_000
    rows_a_page: int = 0  # a larger page of insights is refused
    report_run_seconds: float = 0.0  # average duration of a report run; 0: four polls, or a second at most
    data_points_a_request: int = 0  # rows × fields of the whole result
    heavy_creatives_a_page: int = 0  # creatives with their story spec (§9)

    @classmethod
    def of_tier(cls, tier: str) -> LimitSettings:
        """Return what Meta publishes for a tier (§6.2)."""
        if tier == "development_access":
            return cls(
                tier=tier, platform=200.0, insights=600.0, management=300.0, per_active_ad=400.0, score=60.0,
                score_block_s=300.0,
            )
        return cls(tier=tier)


@dataclass
class CallBudget:
    """A limit and what is used of it: calls in a rolling window, or points that decay linearly over it.

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
    """Which limits a call counts against: the ad account's by use case (`kind`), or the app's without an account."""

    account_id: str | None
    kind: str
    active_ads: int


class Limits:
    """The app's budgets, each created by the first call that is charged to it, and counts of what was admitted."""

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
        timestamp, owner = now.timestamp(), call.account_id or "app"
        budgets = self._charged(call)
        if any(timestamp < budget.blocked_until for _, budget in budgets):
            self.sent_while_blocked[owner] += 1
        for name, budget in budgets:
            if not budget.charge(WRITE_POINTS if is_write and name == "score" else 1.0, timestamp):
                raise _limit_error(name)
        self.admitted[owner] += 1

    def usage_headers(self, call: ChargedCall, *, now: dt.datetime) -> dict[str, str]:
        """Return the usage headers that are on every response (§6.1)."""
        timestamp, tier = now.timestamp(), self.settings.tier
        percent = round(self._platform().used_percent(timestamp))
        app = {"X-App-Usage": _compact({"call_count": percent, "total_cputime": percent // 2, "total_time": 2})}
        if call.account_id is None:
            return app
        (_, score), (_, hourly) = self._charged(call)
        used, minutes = round(hourly.used_percent(timestamp)), hourly.regain_minutes(timestamp)
        reset_s = max(score.blocked_until - timestamp, score.used(timestamp) / score.limit * SCORE_DECAY_S)
        headers = app | {
            "X-Business-Use-Case-Usage": _compact({call.account_id: [{
                "type": call.kind, "call_count": used, "total_cputime": used // 2, "total_time": used // 2,
                "estimated_time_to_regain_access": minutes, "ads_api_access_tier": tier,
            }]}),
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
        if call.account_id is None:
            return [("platform", self._platform())]
        is_insights = call.kind == "ads_insights"
        per_ad = settings.per_active_ad if is_insights else settings.per_active_ad / 10
        limit = (settings.insights if is_insights else settings.management) + per_ad * call.active_ads
        score = self._budget(
            f"{call.account_id}/score", settings.score, window_s=SCORE_DECAY_S, block_s=settings.score_block_s,
            is_decaying=True,
        )
        return [("score", score), (call.kind, self._budget(f"{call.account_id}/{call.kind}", limit))]

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
    code = 80000 if name == "ads_insights" else 80004
    return GraphApiError(f"(#{code}) {_BUC_MESSAGE}#{name.replace('_', '-')}.", code, subcode=2446079)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
