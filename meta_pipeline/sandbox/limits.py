"""Rate limits, enforced for real (graph-api.md §6): shares that refill, blocks that lengthen when called in them.

`POST /_sandbox/limits` and a scenario file set every one of them: only a part is published."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.answers import Refused

HOUR_S, SCORE_DECAY_S = 3600.0, 300.0
_MORE = "Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/"
BUC_MESSAGE = f"There have been too many calls to this ad-account. {_MORE}overview/rate-limiting"


@dataclass
class Settings:
    """The limits of an access tier. Calls an hour, except the score (points that decay over 300 s)."""

    tier: str = "standard_access"
    platform: float = 20_000.0
    insights: float = 190_000.0
    management: float = 100_000.0
    per_active_ad: float = 400.0
    score: float = 9_000.0
    score_block_s: float = 60.0
    running_report_runs: int = 100
    # Data per call (§2.8): what Meta's bounds are is not published.
    rows_a_request: int = 1_000_000
    page_bytes: int = 4_000_000
    rows_a_page: int = 0  # a larger page of insights is refused; 0: none is
    report_run_seconds: float = 0.0  # about how long a report run takes; 0: as long as four polls, a second at most
    data_points_a_request: int = 0  # rows × fields of the whole result; 0: as many as there are
    heavy_creatives_a_page: int = 0  # of creatives with their story spec (§9); 0: as many as there are

    @classmethod
    def of(cls, tier: str) -> Settings:
        """What Meta publishes for a tier (§6.2)."""
        if tier == "development_access":
            return cls(tier, 200.0, 600.0, 300.0, 400.0, 60.0, 300.0)
        return cls(tier)


@dataclass
class Share:
    """One budget: calls in a rolling window, or points that decay linearly."""

    limit: float
    window_s: float
    block_s: float
    is_decaying: bool = False
    level: float = 0.0
    level_at: float = 0.0
    calls: collections.deque[float] = field(default_factory=collections.deque)
    blocked_until: float = 0.0

    def used(self, now: float) -> float:
        """Points in use."""
        if self.is_decaying:
            return max(0.0, self.level - (now - self.level_at) * self.limit / self.window_s)
        while self.calls and self.calls[0] <= now - self.window_s:
            self.calls.popleft()
        return float(len(self.calls))

    def percent(self, now: float) -> float:
        """0–100 and beyond."""
        return 100.0 * self.used(now) / self.limit

    def take(self, points: float, now: float) -> bool:
        """Whether the call is let in. One call too many begins a block; a call in a block prolongs it."""
        if now < self.blocked_until:
            self.blocked_until = now + max(self.block_s, (self.blocked_until - now) * 1.5)
            return False
        if self.used(now) + points > self.limit:
            self.blocked_until = now + self.block_s
            return False
        if self.is_decaying:
            self.level, self.level_at = self.used(now) + points, now
        else:
            self.calls.extend([now] * int(points))
        return True

    def regain_minutes(self, now: float) -> int:
        """Whole minutes until calls are let in again, as the header has it."""
        return -int(-max(0.0, self.blocked_until - now) // 60)


class Limits:
    """Every share of the app, made at the first call that is charged to it."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.shares: dict[str, Share] = {}
        self.let_in: collections.Counter[str] = collections.Counter()
        self.sent_while_blocked: collections.Counter[str] = collections.Counter()

    def configure(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Another tier, single limits changed; everything begins anew."""
        if asked:
            base = Settings.of(str(asked.get("tier", self.settings.tier)))
            known = {one.name for one in dataclasses.fields(Settings)}
            self.settings = dataclasses.replace(base, **{k: v for k, v in asked.items() if k in known})
            self.shares.clear()
            self.let_in.clear()
            self.sent_while_blocked.clear()
        return {
            "settings": dataclasses.asdict(self.settings), "let_in": dict(self.let_in),
            "sent_while_blocked": dict(self.sent_while_blocked),
        }

    def admit(self, *, account_id: str | None, kind: str, is_write: bool, active_ads: int, now: dt.datetime) -> None:
        """Charge a call, or refuse it with the code of the limit it met."""
        at, owner = now.timestamp(), account_id or "app"
        shares = self._charged(account_id, kind, active_ads)
        if any(at < share.blocked_until for _, share in shares):
            self.sent_while_blocked[owner] += 1
        for name, share in shares:
            if not share.take(3.0 if is_write and name == "score" else 1.0, at):
                raise self._refusal(name, owner)
        self.let_in[owner] += 1

    def _charged(self, account_id: str | None, kind: str, active_ads: int) -> list[tuple[str, Share]]:
        mine = self.settings
        if account_id is None:
            return [("platform", self._share("platform", mine.platform, HOUR_S, 300.0))]
        hourly = mine.insights if kind == "ads_insights" else mine.management
        limit = hourly + (mine.per_active_ad if kind == "ads_insights" else mine.per_active_ad / 10) * active_ads
        score = self._share(f"{account_id}/score", mine.score, SCORE_DECAY_S, mine.score_block_s, is_decaying=True)
        return [("score", score), (kind, self._share(f"{account_id}/{kind}", limit, HOUR_S, 300.0))]

    def _share(self, key: str, limit: float, window_s: float, block_s: float, *, is_decaying: bool = False) -> Share:
        return self.shares.setdefault(key, Share(limit, window_s, block_s, is_decaying))

    def _refusal(self, name: str, owner: str) -> Refused:
        if name == "platform":
            return Refused("(#4) Application request limit reached", 4, status=403, is_transient=True)
        if name == "score":
            return Refused("User request limit reached", 17, subcode=2446079, is_transient=True)
        code = 80000 if name == "ads_insights" else 80004
        return Refused(f"(#{code}) {BUC_MESSAGE}#{name.replace('_', '-')}.", code, subcode=2446079)

    def headers(self, *, account_id: str | None, kind: str, active_ads: int, now: dt.datetime) -> dict[str, str]:
        """The usage headers that are on every answer (§6.1)."""
        at, tier = now.timestamp(), self.settings.tier
        (_, platform), = self._charged(None, kind, 0)
        percent = round(platform.percent(at))
        app = {"X-App-Usage": _compact({"call_count": percent, "total_cputime": percent // 2, "total_time": 2})}
        if account_id is None:
            return app
        (_, score), (_, hourly) = self._charged(account_id, kind, active_ads)
        used, minutes = round(hourly.percent(at)), hourly.regain_minutes(at)
        reset = max(score.blocked_until - at, score.used(at) / score.limit * SCORE_DECAY_S)
        headers = app | {
            "X-Business-Use-Case-Usage": _compact({account_id: [{
                "type": kind, "call_count": used, "total_cputime": used // 2, "total_time": used // 2,
                "estimated_time_to_regain_access": minutes, "ads_api_access_tier": tier,
            }]}),
            "X-Ad-Account-Usage": _compact({
                "acc_id_util_pct": round(score.percent(at), 2),
                "reset_time_duration": round(reset), "ads_api_access_tier": tier,
            }),
        }
        if kind == "ads_insights":
            headers["X-FB-Ads-Insights-Throttle"] = _compact({
                "app_id_util_pct": round(self._load(at), 2), "acc_id_util_pct": round(hourly.percent(at), 2),
                "ads_api_access_tier": tier,
            })
        return headers

    def _load(self, at: float) -> float:
        """The app's load: the mean over its accounts."""
        hourly = [share.percent(at) for key, share in self.shares.items() if key.endswith("/ads_insights")]
        return sum(hourly) / len(hourly) if hourly else 0.0


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
