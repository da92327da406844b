"""The quotas of publishing: read before anything is sent, with the time at which a used-up one is free again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.plans.plan import Plan
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.records import AccessToken

DAY = dt.timedelta(hours=24)
_HALVINGS = 7  # of 24 hours: to about a quarter of an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A quota and how much of it is used. `free_at`: when the next post is possible, None while one is."""

    used: int
    total: int
    what: str
    free_at: dt.datetime | None = None

    @property
    def sentence(self) -> str:
        """Return the quota in words."""
        if self.free_at is None:
            return f"{self.used} of {self.total} {self.what} in 24 hours are used"
        return (
            f"the quota is used up ({self.used} of {self.total} {self.what} in 24 hours): the next one is possible at "
            f"about {self.free_at:%Y-%m-%d %H:%M} UTC"
        )


def instagram_quota(
    account_id: str, *, graph: GraphClient, token: AccessToken, rules: PostingRules, now: dt.datetime
) -> Quota:
    """Return the quota of an Instagram account. Meta does not return when it is free again; a bisection of the last 24
    hours finds it, because the usage since any moment can be read."""
    def row(since: dt.datetime | None = None) -> dict[str, Any]:
        params = {"fields": ["quota_usage", "config"], "since": int(since.timestamp()) if since else None}
        rows = graph.get(
            f"{account_id}/content_publishing_limit", params, token=token, kind=CallKind.INSTAGRAM
        ).rows
        return rows[0] if rows else {}

    whole = row()
    config = whole.get("config")
    total = _number(config.get("quota_total") if isinstance(config, dict) else None, rules.instagram_quota)
    used = _number(whole.get("quota_usage"), 0)
    if used < total:
        return Quota(used=used, total=total, what="posts")
    low, high = now - DAY, now  # the usage since `low` fills the quota, the usage since `high` does not
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        is_full = _number(row(middle).get("quota_usage"), 0) >= total
        low, high = (middle, high) if is_full else (low, middle)
    return Quota(used=used, total=total, what="posts", free_at=high + DAY)


def reels_quota(plans: list[Plan], *, rules: PostingRules, now: dt.datetime) -> Quota:
    """Return the quota of a Page's Reels, counted from the plans: Meta has no edge that returns how many are used."""
    times = sorted(
        record.sent_at for plan in plans for record in plan.steps
        if record.step.object_kind == "page_reel" and record.exists and record.sent_at and record.sent_at > now - DAY
    )
    total = rules.page_reels_per_day
    free_at = times[len(times) - total] + DAY if len(times) >= total else None
    return Quota(used=len(times), total=total, what="Reels from here", free_at=free_at)


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
