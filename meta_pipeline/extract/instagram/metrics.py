"""The metrics of Instagram accounts, media and stories, alive and dead, as data (docs/graph-api.md §3.4). An operator's
file changes them: `extract/registry/registry_file.py`."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from meta_pipeline.extract.metrics.metric import Confidence, MediaType, Metric, ObjectKind, define

_SOURCE = "docs/graph-api.md §3.4"
_ADDED_IN_V26 = "v26.0"
# The day on which the metrics that include promoted views were documented.
_TOTALS_SINCE = dt.date(2026, 6, 18)
_FEED: tuple[MediaType, ...] = ("IMAGE", "VIDEO", "CAROUSEL_ALBUM")
_NO_STORY: tuple[MediaType, ...] = (*_FEED, "REELS")
_DIMENSIONS = ("age", "gender", "country", "city")
# Any of the dimensions together; Meta documents them one by one.
_COMBINATIONS = tuple(
    ",".join(names) for count in range(1, 5) for names in itertools.combinations(_DIMENSIONS, count)
)
_REPORT_OF: dict[ObjectKind, str] = {
    "instagram_account": "instagram_insights", "media": "instagram_media", "story": "instagram_stories",
}


def _account(
    names: str, *, periods: tuple[str, ...] = ("day",), metric_types: tuple[str, ...] = ("total_value",),
    report: str = "instagram_insights", confidence: Confidence = "D", is_default: bool = True, **facts: Any,
) -> tuple[Metric, ...]:
    return define(
        names, object="instagram_account", report=report, periods=periods, metric_types=metric_types,
        confidence=confidence, is_default=is_default, source=_SOURCE, **facts,
    )


def _demographics(name: str, **facts: Any) -> tuple[Metric, ...]:
    return _account(
        name, periods=("lifetime",), report="instagram_demographics", breakdowns=_COMBINATIONS,
        requested_breakdowns=("age,gender", "country", "city"), needs_breakdown=True, **facts,
    )


def _media(
    names: str, *, media_types: tuple[MediaType, ...] = _NO_STORY, confidence: Confidence = "D",
    is_default: bool = True, **facts: Any,
) -> tuple[Metric, ...]:
    return define(
        names, object="media", report="instagram_media", periods=("lifetime",), media_types=media_types,
        confidence=confidence, is_default=is_default, source=_SOURCE, **facts,
    )


def _story(names: str, *, confidence: Confidence = "D", is_default: bool = True, **facts: Any) -> tuple[Metric, ...]:
    return define(
        names, object="story", report="instagram_stories", periods=("lifetime",), media_types=("STORY",),
        confidence=confidence, is_default=is_default, source=_SOURCE, **facts,
    )


def _ended(
    day: str, names: str, replacement: str | None = None, note: str | None = None, *,
    kind: ObjectKind = "instagram_account", confidence: Confidence = "D",
) -> tuple[Metric, ...]:
    return define(
        names, object=kind, report=_REPORT_OF[kind], periods=(), valid_to=dt.date.fromisoformat(day),
        replacement=replacement, replacement_note=note, confidence=confidence, source=_SOURCE,
    )


_LIVE = (
    _account(
        "reach", metric_types=("total_value", "time_series"), breakdowns=("media_product_type", "follow_type"),
        requested_breakdowns=("follow_type",),
    ),
    _account(
        "views", breakdowns=("follow_type", "media_product_type"), requested_breakdowns=("follow_type",),
        is_additive=True,
    ),
    _account("accounts_engaged"),
    _account(
        "total_interactions likes comments saves shares reposts", breakdowns=("media_product_type",), is_additive=True
    ),
    _account("replies", is_additive=True),
    _account(
        "follows_and_unfollows", breakdowns=("follow_type",), requested_breakdowns=("follow_type",),
        needs_breakdown=True, is_additive=True,
    ),
    _account("profile_links_taps", breakdowns=("contact_button_type",), is_additive=True),
    # As time series they ended on 2025-01-08; a live test of 2026-09 read them as totals.
    _account("profile_views website_clicks", is_additive=True, confidence="P"),
    _account("follower_count", metric_types=("time_series",), history_days=30, is_additive=True),
    _account("online_followers", periods=("lifetime",), metric_types=(), history_days=30, is_default=False),
    _demographics("follower_demographics"),
    _demographics(
        "engaged_audience_demographics", timeframes=("this_week", "this_month"), default_timeframe="this_month"
    ),
    _media("reach"),
    # Videos in the feed don't have it, and the request for one fails.
    _media("views", media_types=("IMAGE", "CAROUSEL_ALBUM", "REELS"), is_additive=True),
    _media("likes comments saved shares total_interactions reposts", is_additive=True),
    _media("total_views total_likes total_comments", valid_from=_TOTALS_SINCE, is_additive=True),
    _media("ig_reels_avg_watch_time", media_types=("REELS",)),
    _media("ig_reels_video_view_total_time", media_types=("REELS",), is_additive=True),
    _media("reels_skip_rate", media_types=("REELS",), min_version=_ADDED_IN_V26, confidence="S", is_default=False),
    # They fail for media that is not also on Facebook.
    _media(
        "crossposted_views facebook_views", min_version=_ADDED_IN_V26, is_additive=True, confidence="S",
        is_default=False,
    ),
    _media("follows profile_visits", media_types=_FEED, is_additive=True, confidence="S", is_default=False),
    _media(
        "profile_activity", media_types=_FEED, breakdowns=("action_type",), is_additive=True, confidence="S",
        is_default=False,
    ),
    _story("reach"),
    _story("views replies shares total_interactions", is_additive=True),
    _story(
        "navigation", breakdowns=("story_navigation_action_type",),
        requested_breakdowns=("story_navigation_action_type",), is_additive=True,
    ),
    _story("follows profile_visits link_clicks reposts", is_additive=True, confidence="S", is_default=False),
    _story(
        "profile_activity", breakdowns=("action_type",), is_additive=True, confidence="S", is_default=False
    ),
)

_DEAD = (
    _ended("2023-12-11", "audience_city", "follower_demographics", "with its breakdown city"),
    _ended("2023-12-11", "audience_country", "follower_demographics", "with its breakdown country"),
    _ended("2023-12-11", "audience_gender_age", "follower_demographics", "with its breakdown age,gender"),
    _ended("2023-12-11", "audience_locale"),
    _ended(
        "2025-01-08", "email_contacts get_directions_clicks phone_call_clicks text_message_clicks",
        "profile_links_taps", "with its breakdown contact_button_type",
    ),
    *(_ended("2025-04-21", "impressions", "views", kind=kind) for kind in _REPORT_OF),
    _ended("2025-04-21", "plays ig_reels_aggregated_all_plays_count", "views", kind="media"),
    _ended("2025-04-21", "clips_replays_count", "views", "which includes replays", kind="media"),
    _ended("2025-01-08", "video_views", "views", kind="media"),
    _ended("2023-12-11", "engagement carousel_album_engagement", "total_interactions", kind="media", confidence="R"),
    _ended("2023-12-11", "carousel_album_reach", "reach", kind="media", confidence="R"),
    _ended("2023-12-11", "carousel_album_saved", "saved", kind="media", confidence="R"),
    _ended(
        "2023-12-11", "carousel_album_impressions carousel_album_video_views", "views", kind="media", confidence="R"
    ),
    _ended(
        "2023-12-11", "exits taps_forward taps_back", "navigation", "with its breakdown story_navigation_action_type",
        kind="story", confidence="R",
    ),
)

INSTAGRAM_METRICS: tuple[Metric, ...] = tuple(itertools.chain(*_LIVE, *_DEAD))
