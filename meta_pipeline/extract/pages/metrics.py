"""The metrics of Pages and posts, alive and dead, as data (docs/graph-api.md §3.3). An operator's file changes them:
`extract/registry/registry_file.py`."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from meta_pipeline.extract.metrics.metric import Confidence, Metric, ObjectKind, define

_SOURCE = "docs/graph-api.md §3.3"
_EVERY_PERIOD = ("day", "week", "days_28")
_TAGS = ("is_from_ads", "is_from_followers")
_REACTIONS = ("like", "love", "wow", "haha", "sorry", "anger")
# Seen alive in 2026-09, or in Meta's reference only, which still lists dead names.
_SEEN: Confidence = "P"
_DOCUMENTED: Confidence = "D"


def _page(
    names: str, *, periods: tuple[str, ...] = _EVERY_PERIOD, default_periods: tuple[str, ...] = ("day",),
    confidence: Confidence = _SEEN, is_additive: bool = True, **facts: Any,
) -> tuple[Metric, ...]:
    return define(
        names, object="page", report="page_insights", periods=periods, default_periods=default_periods,
        confidence=confidence, is_additive=is_additive, source=_SOURCE, **facts,
    )


def _audience(names: str) -> tuple[Metric, ...]:
    return define(
        names, object="page", report="page_audience", periods=("lifetime",), is_default=True, confidence=_SEEN,
        source=_SOURCE,
    )


def _post(
    names: str, *, periods: tuple[str, ...] = ("lifetime",), is_additive: bool = True, **facts: Any
) -> tuple[Metric, ...]:
    return define(
        names, object="post", report="page_posts", periods=periods, is_additive=is_additive, confidence=_DOCUMENTED,
        source=_SOURCE, **facts,
    )


def _ended(
    day: str, names: str, replacement: str | None = None, note: str | None = None, *, kind: ObjectKind = "page",
    confidence: Confidence = _DOCUMENTED,
) -> tuple[Metric, ...]:
    return define(
        names, object=kind, report="page_insights" if kind == "page" else "page_posts", periods=(),
        valid_to=dt.date.fromisoformat(day), replacement=replacement, replacement_note=note, confidence=confidence,
        source=_SOURCE,
    )


def _family(pattern: str, *parts: str) -> str:
    """Return the name for each part in the place of `*`, separated by blanks."""
    return " ".join(pattern.replace("*", part) for part in parts)


_LIVE = (
    _page("page_media_view", is_default=True, breakdowns=_TAGS, requested_breakdowns=_TAGS),
    _page("page_total_media_view_unique", is_default=True, is_additive=False),
    _page("page_post_engagements", is_default=True),
    # Two other projects report that Meta refuses it.
    _page("page_views_total", is_default=True),
    _page("page_follows", periods=("day",), is_default=True, is_additive=False),
    _page("page_daily_follows", periods=("day",), is_default=True),
    _page("page_daily_follows_unique page_daily_unfollows_unique", is_default=True, is_additive=False),
    _page("page_total_actions", is_default=True),
    _page("page_video_views", is_default=True, confidence=_DOCUMENTED),
    _page(
        _family(
            "page_video_views_*", "paid", "organic", "autoplayed", "click_to_play", "by_paid_non_paid",
            "by_uploaded_hosted",
        ),
        confidence=_DOCUMENTED,
    ),
    _page("page_video_repeat_views", confidence=_DOCUMENTED),
    _page("page_video_complete_views_30s", is_default=True),
    _page(
        _family("page_video_complete_views_30s_*", "paid", "organic", "autoplayed", "click_to_play", "repeat_views"),
        confidence=_DOCUMENTED,
    ),
    _page("page_video_complete_views_30s_unique", confidence=_DOCUMENTED, is_additive=False),
    _page("page_video_view_time", periods=("day",), is_default=True),
    _page(_family("page_actions_post_reactions_*_total", *_REACTIONS), confidence=_DOCUMENTED),
    _page("page_actions_post_reactions_total", periods=("day",), is_default=True),
    # Meta's reference leaves its periods blank.
    _page("page_lifetime_engaged_followers_unique", periods=("lifetime",), default_periods=("lifetime",),
          is_additive=False, confidence="R"),
    _page("page_tab_views_login_top", periods=("day", "week"), confidence=_DOCUMENTED),
    _page("page_tab_views_login_top_unique", periods=("day", "week"), confidence=_DOCUMENTED, is_additive=False),
    _page("page_tab_views_logout_top", periods=("day",), confidence=_DOCUMENTED),
    # Each alone in its request.
    *(
        _page(name, periods=("day",), confidence=_DOCUMENTED, request_group=name)
        for name in ("monetization_approximate_earnings", "content_monetization_earnings")
    ),
    _audience("page_follows_city page_follows_country"),
    # A breakdown costs a second call for each post: an operator's file can switch it on.
    _post("post_media_view", is_default=True, breakdowns=_TAGS),
    _post("post_total_media_view_unique", is_default=True, is_additive=False),
    _post("post_clicks", is_default=True),
    _post("post_clicks_by_type"),
    _post("post_reactions_like_total post_reactions_by_type_total", is_default=True),
    _post(_family("post_reactions_*_total", *_REACTIONS[1:])),
    _post("post_video_views", periods=("lifetime", "day"), is_default=True),
    _post("post_video_views_organic post_video_views_paid", periods=("lifetime", "day")),
    _post("post_video_avg_time_watched", is_default=True, is_additive=False),
    _post("post_video_length", is_additive=False),
    _post("post_video_views_15s", is_default=True),
    _post("post_video_views_autoplayed post_video_views_clicked_to_play"),
    _post(_family("post_video_complete_views_*", "organic", "paid")),
    _post(_family("post_video_complete_views_*_unique", "organic", "paid", "30s"), is_additive=False),
    _post("post_video_complete_views_30s"),
    _post(_family("post_video_complete_views_30s_*", "organic", "paid", "autoplayed", "clicked_to_play")),
    _post("post_video_retention_graph", is_additive=False),
    _post(_family("post_video_retention_graph_*", "autoplayed", "clicked_to_play"), is_additive=False),
)

_LOGGED_IN = (
    "_logged_in_unique", "_by_age_gender_logged_in_unique", "_logged_in_by_country_unique",
    "_logged_in_by_city_unique", "_by_site_logged_in_unique",
)
_DEAD = (
    _ended("2024-03-14", "page_engaged_users", "page_post_engagements", "but counts actions, not people"),
    _ended(
        "2024-03-14",
        _family("page_consumptions*", "", "_unique", "_by_consumption_type", "_by_consumption_type_unique"),
        "page_post_engagements", "but counts every action, not clicks alone",
    ),
    _ended(
        "2024-03-14",
        _family(
            "page_content_activity*", "", "_by_action_type", "_by_action_type_unique", "_by_age_gender_unique",
            "_by_city_unique", "_by_country_unique", "_by_locale_unique",
        ),
    ),
    _ended("2024-03-14", _family("page_negative_feedback*", "", "_unique", "_by_type", "_by_type_unique")),
    _ended("2024-03-14", "page_fans_by_like_source page_fans_by_like_source_unique"),
    _ended(
        "2024-03-14", _family("page_website_clicks*", "", *_LOGGED_IN), "page_total_actions",
        "but counts the clicks on every contact and action button",
    ),
    _ended(
        "2024-03-14", _family("page_call_phone_clicks*", "", *_LOGGED_IN),
        "page_total_actions", "but counts the clicks on every contact and action button",
    ),
    # A live test dates it 2025-11-15.
    _ended("2024-03-14", "page_fans_gender_age"),
    _ended("2025-11-15", "page_impressions", "page_media_view"),
    _ended("2025-11-15", "page_impressions_paid", "page_media_view", "with its breakdown is_from_ads"),
    _ended("2025-11-15", "page_impressions_viral page_impressions_nonviral"),
    _ended(
        "2025-11-15", "page_impressions_organic_v2 page_impressions_organic_unique_v2", "page_media_view",
        "with its breakdown is_from_ads", confidence=_SEEN,
    ),
    _ended(
        "2025-11-15",
        _family(
            "page_impressions_*", "by_story_type", "by_story_type_unique", "by_city_unique", "by_country_unique",
            "by_locale_unique", "by_age_gender_unique", "frequency_distribution", "viral_frequency_distribution",
        ),
        confidence=_SEEN,
    ),
    _ended("2025-11-15", "page_fans", "page_follows", "but counts followers, not likes"),
    _ended("2025-11-15", "page_fans_city", "page_follows_city", "but counts followers, not likes"),
    _ended("2025-11-15", "page_fans_country", "page_follows_country", "but counts followers, not likes"),
    _ended("2025-11-15", "page_fans_locale"),
    _ended("2025-11-15", "page_fans_online page_fans_online_per_day", confidence=_SEEN),
    _ended("2025-11-15", "page_fan_adds", "page_daily_follows", "but counts follows, not likes"),
    _ended("2025-11-15", "page_fan_adds_unique", "page_daily_follows_unique", "but counts followers, not likes"),
    _ended(
        "2025-11-15", "page_fan_removes page_fan_removes_unique", "page_daily_unfollows_unique",
        "but counts people who unfollow, not likes taken back",
    ),
    _ended("2025-11-15", "post_impressions", "post_media_view", kind="post"),
    _ended(
        "2025-11-15", "post_impressions_paid post_impressions_organic", "post_media_view",
        "with its breakdown is_from_ads", kind="post",
    ),
    _ended(
        "2025-11-15", "post_impressions_fan", "post_media_view", "with its breakdown is_from_followers", kind="post"
    ),
    _ended("2025-11-15", "post_impressions_viral post_impressions_nonviral", "post_media_view", kind="post"),
    _ended(
        "2025-11-15", "post_impressions_fan_paid post_impressions_by_story_type", "post_media_view", kind="post",
        confidence=_SEEN,
    ),
    _ended(
        "2026-06-15",
        _family("page_impressions*_unique", "", "_paid", "_viral", "_nonviral"),
        "page_total_media_view_unique",
    ),
    _ended(
        "2026-06-15",
        _family(
            "page_posts_impressions*", "", "_unique", "_paid", "_paid_unique", "_organic", "_organic_unique", "_viral",
            "_viral_unique", "_nonviral", "_nonviral_unique",
        ),
        "page_total_media_view_unique", "but counts people, and more than posts",
    ),
    _ended(
        "2026-06-15", "page_posts_served_impressions_organic_unique", "page_total_media_view_unique",
        "but also counts people reached by ads",
    ),
    _ended("2026-06-15", "page_video_views_unique", "page_video_views", "but counts plays, not people"),
    _ended("2026-06-15", "post_video_views_unique", "post_video_views", "but counts plays, not people", kind="post"),
    _ended(
        "2026-06-15",
        _family(
            "post_impressions*_unique", "", "_paid", "_fan", "_fan_paid", "_organic", "_viral", "_nonviral",
            "_by_story_type",
        ),
        "post_total_media_view_unique", kind="post",
    ),
)

PAGE_METRICS: tuple[Metric, ...] = tuple(itertools.chain(*_LIVE, *_DEAD))
