"""Marts of Pages and Instagram accounts, compared with the facts of `harness.nodes.node_truth`: rows by mart and key,
each with the values of its columns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from harness.nodes.node_truth import DIMENSIONS, Facts

Key = tuple[str, ...]
MartRows = dict[Key, dict[str, Any]]
Query = Callable[[str], Iterable[Mapping[str, Any]]]

# By mart, its key and the metric of each column; `/1000` for milliseconds that the mart has in seconds, `+` for the sum
# of an object's values, `:` for a breakdown and its value.
MARTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "facebook_pages__pages_report": (("page_id", "date_day"), {
        "media_views": "page_media_view", "media_views_unique": "page_total_media_view_unique",
        "media_views_from_ads": "page_media_view:is_from_ads:1",
        "media_views_organic": "page_media_view:is_from_ads:0", "post_engagements": "page_post_engagements",
        "views_total": "page_views_total", "video_views": "page_video_views",
        "video_complete_views_30s": "page_video_complete_views_30s", "video_view_time": "page_video_view_time/1000",
        "follows": "page_follows", "daily_follows": "page_daily_follows",
        "daily_follows_unique": "page_daily_follows_unique", "daily_unfollows_unique": "page_daily_unfollows_unique",
        "total_actions": "page_total_actions", "actions_post_reactions_total": "page_actions_post_reactions_total+",
    }),
    "facebook_pages__posts_report": (("post_id", "date_day"), {
        "media_views": "post_media_view", "media_views_unique": "post_total_media_view_unique",
        "clicks": "post_clicks", "likes": "post_reactions_like_total",
        "reactions_total": "post_reactions_by_type_total+", "video_views": "post_video_views",
        "video_views_15s": "post_video_views_15s", "video_avg_time_watched": "post_video_avg_time_watched/1000",
    }),
    "instagram_business__accounts_report": (("instagram_account_id", "date_day"), {
        **{name: name for name in (
            "reach", "views", "accounts_engaged", "total_interactions", "likes", "comments", "saves", "shares",
            "reposts", "replies", "profile_views", "website_clicks", "profile_links_taps", "follower_count")},
        "follows": "follows_and_unfollows:follow_type:FOLLOWER",
        "unfollows": "follows_and_unfollows:follow_type:NON_FOLLOWER",
    }),
    "instagram_business__posts_history": (("post_id", "date_day"), {
        **{name: name for name in (
            "views", "total_views", "reach", "likes", "total_likes", "comments", "total_comments", "saved", "shares",
            "reposts", "total_interactions")},
        "ig_reels_avg_watch_time": "ig_reels_avg_watch_time/1000",
        "ig_reels_video_view_total_time": "ig_reels_video_view_total_time/1000",
    }),
    "instagram_business__stories": (("media_id",), {
        **{name: name for name in ("reach", "views", "replies", "shares", "total_interactions")},
        **{column: f"navigation:story_navigation_action_type:{value}" for column, value in (
            ("exits", "TAP_EXIT"), ("taps_back", "TAP_BACK"), ("taps_forward", "TAP_FORWARD"),
            ("swipes_forward", "SWIPE_FORWARD"))},
    }),
    "facebook_pages__audience": (("page_id", "date_day", "dimension", "value"), {"followers": ""}),
    "instagram_business__demographics": (("instagram_account_id", "date_day", "metric", *DIMENSIONS), {"value": ""}),
}
MART_OF = {
    "page_insights": "facebook_pages__pages_report", "page_posts": "facebook_pages__posts_report",
    "page_audience": "facebook_pages__audience", "instagram_insights": "instagram_business__accounts_report",
    "instagram_media": "instagram_business__posts_history", "instagram_stories": "instagram_business__stories",
    "instagram_demographics": "instagram_business__demographics",
}


def mart_rows(query: Query) -> MartRows:
    """Return every row of every mart that has values; fail when a key occurs twice."""
    rows: MartRows = {}
    for mart, (key, columns) in MARTS.items():
        story = " where not is_story" if mart == "instagram_business__posts_history" else ""
        for row in query(f"select {', '.join((*key, *columns))} from marts.{mart}{story}"):
            values = {column: _number(row[column]) for column in columns if row[column] is not None}
            where = (mart, *(str(row[name])[:10] if name == "date_day" else str(row[name] or "") for name in key))
            assert where not in rows, f"{where} is there twice"
            if values:
                rows[where] = values
    return rows


def expected_rows(report: str, day: dt.date, facts: Facts) -> MartRows:
    """Return the rows of the mart of a report that follow from the facts of one day."""
    mart = MART_OF[report]
    rows: MartRows = defaultdict(dict)
    if report == "page_audience":
        return {
            (mart, fact[1], str(day), fact[3], fact[4]): {"followers": _number(value)} for fact, value in facts.items()
        }
    if report == "instagram_demographics":
        for (_, account_id, name, names, values), value in facts.items():
            parts = dict(zip(names.split(","), values.split(",", names.count(",")), strict=True))
            key = (account_id, str(day), name.partition(" ")[0], *(parts.get(each, "") for each in DIMENSIONS))
            rows[mart, *key] = {"value": _number(value)}
        return rows
    columns = MARTS[mart][1]
    for column, metric, id in _columns(columns, {fact[1] for fact in facts if fact[0] == "insight"}):
        value = _value(facts, id, metric)
        if value is not None:
            key = (mart, id) if report == "instagram_stories" else (mart, id, str(day))
            rows[key][column] = value
    return rows


def _columns(columns: Mapping[str, str], ids: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for id in ids:
        for column, metric in columns.items():
            yield column, metric, id


def _value(facts: Facts, id: str, metric: str) -> Decimal | None:
    name, _, part = metric.rstrip("+").removesuffix("/1000").partition(":")
    breakdown, _, key = part.partition(":")
    value = facts.get(("insight", id, name, breakdown, key))
    if value is None and name == "page_media_view" and ("insight", id, name, "", "") in facts:
        value = 0  # Meta leaves out a breakdown's value of 0; the other part is then the total
    if value is None:
        return None
    if metric.endswith("+"):
        value = sum(value.values()) if isinstance(value, dict) else value
    return _number(value) / 1000 if metric.endswith("/1000") else _number(value)


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def wrong_rows(rows: MartRows, moments: Mapping[Key, list[dict[str, Any]]]) -> list[str]:
    """Return a sentence for each column whose value was true at no moment during its read, and for each row that should
    not exist."""
    wrong = [f"{key} is there: {rows[key]}" for key in rows.keys() - moments.keys()]
    for key, truths in moments.items():
        row = rows.get(key, {})
        for column in {name for truth in truths for name in truth} | row.keys():
            if row.get(column) not in [truth.get(column) for truth in truths]:
                wrong.append(f"{key} {column}: {row.get(column)} instead of {[each.get(column) for each in truths]}")
    return sorted(wrong)
