"""The metrics of an Instagram account and their breakdowns, as data (docs/graph-api.md §3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["total_value", "time_series", "default"]

# By breakdown: its values, each with its share of the metric in per mille.
BREAKDOWNS: dict[str, dict[str, int]] = {
    "follow_type": {"FOLLOWER": 560, "NON_FOLLOWER": 420, "UNKNOWN": 20},
    "media_product_type": {"AD": 160, "FEED": 330, "REELS": 390, "STORY": 120},
    "contact_button_type": {
        "BOOK_NOW": 90, "CALL": 260, "DIRECTION": 210, "EMAIL": 240, "INSTANT_EXPERIENCE": 30, "TEXT": 120,
        "UNDEFINED": 50,
    },
}
# Dimensions of demographics, in the order of a response.
DEMOGRAPHIC_DIMENSIONS = ("age", "gender", "city", "country")
TIMEFRAMES = ("this_week", "this_month")


@dataclass(frozen=True, kw_only=True)
class AccountMetric:
    """A metric of an account: the periods and types in which it can be requested, and its average per day.

    `is_unique`: it counts people, so that days don't add up. `needs_followers`: only for accounts with at least 100.
    `recent_days`: how many of the latest days it exists for; None for the whole history.
    """

    period: str = "day"
    types: tuple[MetricType, ...] = ("total_value",)
    breakdowns: tuple[str, ...] = ()
    average: int = 0
    is_unique: bool = False
    needs_followers: bool = False
    recent_days: int | None = None


def _interactions(average: int) -> AccountMetric:
    return AccountMetric(breakdowns=("media_product_type",), average=average)


def _demographics() -> AccountMetric:
    return AccountMetric(period="lifetime", breakdowns=DEMOGRAPHIC_DIMENSIONS, needs_followers=True)


# `total_interactions` is the sum of its parts, and `follower_count` the follows of `follows_and_unfollows`.
INTERACTIONS = ("likes", "comments", "saves", "shares", "reposts", "replies")
ACCOUNT_METRICS: dict[str, AccountMetric] = {
    "reach": AccountMetric(
        types=("total_value", "time_series", "default"), breakdowns=("follow_type", "media_product_type"), average=1800,
        is_unique=True,
    ),
    "views": AccountMetric(breakdowns=("follow_type", "media_product_type"), average=5200),
    "accounts_engaged": AccountMetric(average=240, is_unique=True),
    "total_interactions": _interactions(0),
    "likes": _interactions(310),
    "comments": _interactions(22),
    "saves": _interactions(18),
    "shares": _interactions(26),
    "reposts": _interactions(4),
    "replies": AccountMetric(average=3),
    "follows_and_unfollows": AccountMetric(breakdowns=("follow_type",), needs_followers=True),
    "profile_links_taps": AccountMetric(breakdowns=("contact_button_type",), average=6),
    "profile_views": AccountMetric(average=130),
    "website_clicks": AccountMetric(average=12),
    "follower_demographics": _demographics(),
    "engaged_audience_demographics": _demographics(),
    "follower_count": AccountMetric(types=("time_series", "default"), needs_followers=True, recent_days=30),
    "online_followers": AccountMetric(
        period="lifetime", types=("time_series", "default"), needs_followers=True, recent_days=30
    ),
}
DEMOGRAPHICS = tuple(name for name, metric in ACCOUNT_METRICS.items() if metric.breakdowns == DEMOGRAPHIC_DIMENSIONS)
# The metrics with one value for each day; the others are computed differently.
DAILY = tuple(
    name for name, metric in ACCOUNT_METRICS.items() if metric.period == "day" and name != "follows_and_unfollows"
)
