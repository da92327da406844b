"""The metrics of Pages and posts as Meta's reference has them, as data: alive and dead (docs/graph-api.md §3.3).

A metric that is not listed here does not exist: requesting it fails the whole request.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

ALL_PERIODS = ("day", "week", "days_28")
DAYS_PER_PERIOD = {"day": 1, "week": 7, "days_28": 28}
IS_FROM = ("is_from_ads", "is_from_followers")
REACTIONS = {"like": 120, "love": 30, "wow": 6, "haha": 9, "sorry": 2, "anger": 1}
# Of monetized Pages; a request for one of them with any other metric fails (docs/graph-api.md §3.3).
EARNINGS = ("monetization_approximate_earnings", "content_monetization_earnings")
_DAY, _LIFETIME = ("day",), ("lifetime",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric's periods and breakdowns, and how the sandbox computes its value.

    `kind`: a `count` is drawn, about `average`; `unique` are the people behind the metric `of`, counted anew in every
    period; a `part` is the share `pair` of `of`, a `rest` is `of` without that part; an `object` has a metric by key in
    `parts`; `followers` is the number at the end of a day, `engaged` a share of it and `audience` the followers by
    place; `constant` is drawn once for a post; `retention` is a curve; `absent` is known but has no data here. A metric
    with `is_video` is 0 for a post without a video.
    """

    kind: str
    periods: tuple[str, ...]
    breakdowns: tuple[str, ...] = ()
    average: int = 0
    of: str = ""
    pair: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    is_video: bool = False


def _count(average: int, periods: tuple[str, ...] = ALL_PERIODS, *breakdowns: str, is_video: bool = False) -> Metric:
    return Metric(kind="count", periods=periods, breakdowns=breakdowns, average=average, is_video=is_video)


def _split(of: str, periods: tuple[str, ...], pair: str, part: str, rest: str) -> dict[str, Metric]:
    """Return two metrics that add up to `of`."""
    return {
        part: Metric(kind="part", periods=periods, of=of, pair=pair),
        rest: Metric(kind="rest", periods=periods, of=of, pair=part),
    }


def _video_family(name: str, periods: tuple[str, ...], click_to_play: str) -> dict[str, Metric]:
    """Return the paid, organic, autoplayed and clicked parts of a count of video views."""
    return {
        **_split(name, periods, "paid", f"{name}_paid", f"{name}_organic"),
        **_split(name, periods, "autoplayed", f"{name}_autoplayed", f"{name}_{click_to_play}"),
    }


def _object(periods: tuple[str, ...], **parts: str) -> Metric:
    return Metric(kind="object", periods=periods, parts={key.replace("_", " "): name for key, name in parts.items()})


def _unique(of: str, periods: tuple[str, ...]) -> Metric:
    return Metric(kind="unique", periods=periods, of=of)


# Names that begin with an underscore are parts of objects, not metrics.
PAGE_METRICS: dict[str, Metric] = {
    "page_media_view": _count(4000, ALL_PERIODS, *IS_FROM),
    "page_total_media_view_unique": _unique("page_media_view", ALL_PERIODS),
    "page_post_engagements": _count(300),
    "page_views_total": _count(120),
    "page_follows": Metric(kind="followers", periods=_DAY),
    "page_daily_follows": _count(20, _DAY),
    "page_daily_follows_unique": _unique("page_daily_follows", ALL_PERIODS),
    "page_daily_unfollows_unique": _unique("_unfollows", ALL_PERIODS),
    "_unfollows": _count(8, _DAY),
    "page_total_actions": _count(14),
    "page_video_views": _count(900),
    **_video_family("page_video_views", ALL_PERIODS, "click_to_play"),
    "page_video_views_by_paid_non_paid": _object(
        ALL_PERIODS, total="page_video_views", paid="page_video_views_paid", unpaid="page_video_views_organic"
    ),
    "page_video_views_by_uploaded_hosted": Metric(
        kind="object", periods=ALL_PERIODS, parts={"page_uploaded": "_uploaded", "page_owned": "_hosted"}
    ),
    **_split("page_video_views", ALL_PERIODS, "uploaded", "_uploaded", "_hosted"),
    "page_video_repeat_views": _count(70),
    "page_video_complete_views_30s": _count(260),
    **_video_family("page_video_complete_views_30s", ALL_PERIODS, "click_to_play"),
    "page_video_complete_views_30s_unique": _unique("page_video_complete_views_30s", ALL_PERIODS),
    "page_video_complete_views_30s_repeat_views": _count(25),
    "page_video_view_time": _count(5_400_000, _DAY),  # milliseconds
    **{f"page_actions_post_reactions_{name}_total": _count(average) for name, average in REACTIONS.items()},
    "page_actions_post_reactions_total": _object(
        _DAY, **{name: f"page_actions_post_reactions_{name}_total" for name in REACTIONS}
    ),
    "page_follows_city": Metric(kind="audience", periods=_LIFETIME),
    "page_follows_country": Metric(kind="audience", periods=_LIFETIME),
    # Meta's reference leaves its periods blank.
    "page_lifetime_engaged_followers_unique": Metric(kind="engaged", periods=("day", "lifetime")),
    **{f"_tab_{tab}": _count(average, _DAY) for tab, average in (("home", 40), ("photos", 9), ("videos", 3))},
    **{f"_logout_{tab}": _count(average, _DAY) for tab, average in (("home", 11), ("photos", 2))},
    **{f"_people_{tab}": _unique(f"_tab_{tab}", _DAY) for tab in ("home", "photos", "videos")},
    "page_tab_views_login_top": _object(
        ("day", "week"), home="_tab_home", photos="_tab_photos", videos="_tab_videos"
    ),
    "page_tab_views_login_top_unique": _object(
        ("day", "week"), home="_people_home", photos="_people_photos", videos="_people_videos"
    ),
    "page_tab_views_logout_top": _object(_DAY, home="_logout_home", photos="_logout_photos"),
    **{name: Metric(kind="absent", periods=_DAY) for name in EARNINGS},
}

_VIEWS = "post_video_views"
_COMPLETE = "post_video_complete_views_30s"
_COMPLETE_FAMILY = {
    **_split(_COMPLETE, _LIFETIME, "paid", f"{_COMPLETE}_paid", f"{_COMPLETE}_organic"),
    **_split(_COMPLETE, _LIFETIME, "autoplayed", f"{_COMPLETE}_autoplayed", f"{_COMPLETE}_clicked_to_play"),
}
POST_METRICS: dict[str, Metric] = {
    "post_media_view": _count(3200, _LIFETIME, *IS_FROM),
    "post_total_media_view_unique": _unique("post_media_view", _LIFETIME),
    "post_clicks": _count(160, _LIFETIME),
    **_split("post_clicks", _LIFETIME, "links", "_link_clicks", "_other_clicks"),
    "post_clicks_by_type": _object(_LIFETIME, link_clicks="_link_clicks", other_clicks="_other_clicks"),
    **{f"post_reactions_{name}_total": _count(average, _LIFETIME) for name, average in REACTIONS.items()},
    "post_reactions_by_type_total": _object(
        _LIFETIME, **{name: f"post_reactions_{name}_total" for name in REACTIONS}
    ),
    _VIEWS: _count(1100, ("lifetime", "day"), is_video=True),
    **_split(_VIEWS, ("lifetime", "day"), "paid", f"{_VIEWS}_paid", f"{_VIEWS}_organic"),
    **_split(_VIEWS, _LIFETIME, "autoplayed", f"{_VIEWS}_autoplayed", f"{_VIEWS}_clicked_to_play"),
    f"{_VIEWS}_15s": Metric(kind="part", periods=_LIFETIME, of=_VIEWS, pair="15s"),
    _COMPLETE: Metric(kind="part", periods=_LIFETIME, of=_VIEWS, pair="30s"),
    **_COMPLETE_FAMILY,
    f"{_COMPLETE}_unique": _unique(_COMPLETE, _LIFETIME),
    "_complete": Metric(kind="part", periods=_LIFETIME, of=_VIEWS, pair="95%"),
    **_split("_complete", _LIFETIME, "paid", "post_video_complete_views_paid", "post_video_complete_views_organic"),
    **{
        f"post_video_complete_views_{kind}_unique": _unique(f"post_video_complete_views_{kind}", _LIFETIME)
        for kind in ("paid", "organic")
    },
    "post_video_avg_time_watched": Metric(kind="constant", periods=_LIFETIME, average=6_200, is_video=True),
    "post_video_length": Metric(kind="constant", periods=_LIFETIME, average=31_000, is_video=True),
    **{
        f"post_video_retention_graph{suffix}": Metric(kind="retention", periods=_LIFETIME, is_video=True)
        for suffix in ("", "_clicked_to_play", "_autoplayed")
    },
}


def _retired(on: dt.date, names: str) -> dict[str, dt.datetime]:
    return dict.fromkeys(names.split(), dt.datetime.combine(on, dt.time(), dt.UTC))


# The metrics that Meta's reference lists as gone, with the instant from which their names are refused.
RETIRED: dict[str, dt.datetime] = {
    **_retired(dt.date(2024, 3, 14), """
        page_engaged_users page_consumptions page_consumptions_unique page_consumptions_by_consumption_type
        page_consumptions_by_consumption_type_unique page_content_activity page_content_activity_by_action_type
        page_negative_feedback page_negative_feedback_unique page_negative_feedback_by_type page_fans_by_like_source
        page_fans_by_like_source_unique page_website_clicks_logged_in_unique page_call_phone_clicks_logged_in_unique
        page_fans_gender_age"""),
    **_retired(dt.date(2025, 11, 15), """
        page_impressions page_impressions_paid page_impressions_viral page_impressions_nonviral page_fans
        page_fans_city page_fans_country page_fans_locale page_fan_adds page_fan_adds_unique page_fan_removes
        page_fan_removes_unique post_impressions post_impressions_paid post_impressions_fan post_impressions_organic
        post_impressions_viral post_impressions_nonviral"""),
    **_retired(dt.date(2026, 6, 15), """
        page_impressions_unique page_impressions_paid_unique page_impressions_viral_unique
        page_impressions_nonviral_unique page_posts_impressions page_posts_impressions_unique
        page_posts_impressions_paid page_posts_impressions_paid_unique page_posts_impressions_organic_unique
        page_posts_impressions_viral page_posts_impressions_nonviral page_posts_served_impressions_organic_unique
        page_video_views_unique post_video_views_unique post_impressions_unique post_impressions_paid_unique
        post_impressions_fan_unique post_impressions_organic_unique post_impressions_viral_unique
        post_impressions_nonviral_unique"""),
}


def documented(node_kind: str, now: dt.datetime) -> dict[str, Metric]:
    """Return the metrics of a `page` or `post` that exist at a moment by Meta's reference."""
    live = PAGE_METRICS if node_kind == "page" else POST_METRICS
    periods = ALL_PERIODS if node_kind == "page" else _LIFETIME
    not_yet_gone = {
        name: _count(1000, periods) for name, gone_at in RETIRED.items()
        if name.startswith(node_kind) and now < gone_at
    }
    return {name: metric for name, metric in live.items() if not name.startswith("_")} | not_yet_gone


def added(averages: Mapping[str, int], node_kind: str) -> dict[str, Metric]:
    """Return the metrics that a world's options added, by name and average."""
    periods = ALL_PERIODS if node_kind == "page" else _LIFETIME
    return {name: _count(average, periods) for name, average in averages.items()}
