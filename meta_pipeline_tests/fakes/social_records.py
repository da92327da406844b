"""Records of two Pages, an Instagram account and the ads that promote the Pages, written as they land: skeletons, late
days, rows of a breakdown that Meta left out, posts that were edited and deleted, stories that ended."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from meta_pipeline.records import SNAPSHOT_DAY

Record = dict[str, Any]
Landed = tuple[str, str, dt.date, list[Record]]
PAGE, INSTAGRAM = "11", "21"


def day(number: int, month: int = 11) -> dt.date:
    """Return a day of 2026. The first of November has 25 hours in Pacific time."""
    return dt.date(2026, month, number)


def seen_at(date: dt.date) -> dt.datetime:
    """Return when the records of a day were fetched: at 20:00 UTC of the day, noon in Pacific time; those of the fifth
    half an hour after it ended there, which is before it ended everywhere."""
    if date == day(5):
        return dt.datetime(2026, 11, 6, 8, 30, tzinfo=dt.UTC)
    return dt.datetime.combine(date, dt.time(20), dt.UTC)


def value(name: str, value: object, end: str, **more: str) -> Record:
    return {"name": name, "period": "day", "value": value, "end_time": end, **more}


def by_ads(tag: str, number: int, end: str) -> Record:
    return value("page_media_view", number, end, is_from_ads=tag, breakdown="is_from_ads")


def page_insights() -> Iterator[tuple[dt.date, list[Record]]]:
    end = "2026-11-01T07:00:00+0000"
    yield day(31, 10), [
        value("page_media_view", 100, end), by_ads("0", 60, end), by_ads("1", 40, end),
        value("page_media_view", 30, end, is_from_followers="1", breakdown="is_from_followers"),
        {**value("page_media_view", 700, end), "period": "week"},
        *(value(name, number, end) for name, number in {
            "page_total_media_view_unique": 80, "page_post_engagements": 9, "page_views_total": 8, "page_video_views": 7,
            "page_video_complete_views_30s": 6, "page_video_view_time": 12345, "page_follows": 5, "page_daily_follows": 4,
            "page_daily_follows_unique": 3, "page_daily_unfollows_unique": 2, "page_total_actions": 1,
            "page_actions_post_reactions_total": {"like": 2, "love": 3}, "page_impressions": 11, "page_new_metric": 1,
        }.items()),
    ]
    end = "2026-11-02T08:00:00+0000"
    yield day(1), [value("page_media_view", 50, end), by_ads("0", 50, end)]  # the row of 0 was left out
    end = "2026-11-03T08:00:00+0000"
    yield day(2), [value("page_media_view", 50, end), by_ads("0", 20, end)]  # the part that was left out is not 0
    end = "2026-11-04T08:00:00+0000"
    yield day(3), [value("page_media_view", 0, end)]
    yield day(4), [value("page_follows", 5, "2026-11-05T08:00:00+0000")]  # the other metrics are late
    yield day(5), []


def page_audience() -> Iterator[tuple[dt.date, list[Record]]]:
    lifetime = {"period": "lifetime", "end_time": "2026-11-02T08:00:00+0000"}
    yield day(1), [
        {"name": "page_follows_city", "value": {"Berlin, Germany": 12, "Köln": 3}, **lifetime},
        {"name": "page_follows_country", "value": {"DE": 15}, **lifetime},
        {"name": "page_follows_country", "value": {"DE": 14}, **lifetime, "end_time": "2026-11-01T07:00:00+0000"},
    ]


def lifetime(**metrics: object) -> list[Record]:
    return [{"name": name, "period": "lifetime", "values": [{"value": number}]} for name, number in metrics.items()]


def post(id: str, message: str, updated: str = "2026-11-01T10:00:00+0000", **more: object) -> Record:
    return {
        "id": f"{PAGE}_{id}", "created_time": "2026-11-01T10:00:00+0000", "updated_time": updated, "message": message,
        "permalink_url": f"https://facebook.example/{id}", "status_type": "added_photos", "is_published": True, **more,
    }


def page_posts() -> Iterator[tuple[dt.date, list[Record]]]:
    tagged = [{"value": 4, "is_from_ads": "0"}, {"value": 3, "is_from_ads": "1"}]
    yield day(1), [
        post("1", "first", insights=lifetime(
            post_media_view=10, post_clicks=2, post_reactions_like_total=1,
            post_reactions_by_type_total={"like": 1, "love": 1},
        )),
        post("2", "no metric", insights=[{"name": "post_clicks", "period": "lifetime", "values": []}]),
        post("3", "video", insights=[
            {"name": "post_video_views", "period": "day", "values": [{"value": 1}]},
            {"name": "post_media_view", "period": "lifetime", "values": tagged},
            *lifetime(post_media_view=7, post_total_media_view_unique=6, post_reactions_by_type_total={},
                      post_video_avg_time_watched=2500, post_video_views=4, post_video_views_15s=0),
        ]),
    ]
    yield day(2), [post("1", "second", updated="2026-11-02T09:00:00+0000"), post("2", "no metric", insights=[])]
    yield day(3), [post("1", "second", updated="2026-11-03T09:00:00+0000")]  # a comment is no edit
    yield day(8), [{"id": f"{PAGE}_1", "insights": lifetime(post_media_view=12)}]
    yield day(9), [{"id": f"{PAGE}_1", "is_deleted": True}, {"id": f"{PAGE}_4", "is_deleted": True}]


def total(name: str, total_value: object, breakdown: str | None = None) -> Record:
    record = {"name": name, "period": "day", "total_value": total_value}
    return {**record, "breakdown": breakdown} if breakdown else record


def parts(keys: str, *results: tuple[str, int]) -> Record:
    return {"dimension_keys": keys.split(","), "results": [
        {"dimension_values": values.split("|"), "value": number} for values, number in results]}


def instagram_insights() -> Iterator[tuple[dt.date, list[Record]]]:
    follow_type = parts("follow_type", ("FOLLOWER", 50), ("NON_FOLLOWER", 45))
    plain = ["accounts_engaged", "total_interactions", "likes", "comments", "saves", "shares", "reposts", "replies",
             "profile_views", "website_clicks", "profile_links_taps"]
    yield day(1), [
        total("reach", {"value": 90, "breakdowns": [follow_type]}, "follow_type"),
        total("views", {"breakdowns": [follow_type]}, "follow_type"),  # the parts without their sum
        *(total(name, {"value": number}) for number, name in enumerate(plain, 1)),
        total("follows_and_unfollows", {
            "breakdowns": [parts("follow_type", ("FOLLOWER", 5), ("NON_FOLLOWER", 2))]}, "follow_type"),
        value("follower_count", 6, "2026-11-02T08:00:00+0000"),
    ]
    yield day(2), [
        total("reach", {"breakdowns": [follow_type]}, "follow_type"),  # people do not add up
        total("views", {}, "follow_type"),
        total("follows_and_unfollows", {"breakdowns": [{"dimension_keys": ["follow_type"]}]}, "follow_type"),
    ]
    yield day(3), [
        total("reach", {"value": 7}), total("reach", {"value": 8, "breakdowns": []}, "follow_type"),
        total("follows_and_unfollows", {"breakdowns": [parts("follow_type", ("FOLLOWER", 4))]}, "follow_type"),
    ]


def instagram_demographics() -> Iterator[tuple[dt.date, list[Record]]]:
    def record(name: str, breakdown: str, *results: tuple[str, int], **more: str) -> Record:
        return {"name": name, "period": "lifetime", "breakdown": breakdown, **more,
                "total_value": {"breakdowns": [parts(breakdown, *results)]}}

    yield day(1), [
        record("follower_demographics", "age,gender", ("18-24|F", 3), ("18-24|U", 1)),
        record("follower_demographics", "city", ("Berlin, Berlin", 2)),
        record("engaged_audience_demographics", "country", ("DE", 4), timeframe="this_month"),
    ]


def media(id: str, media_type: str, product: str = "FEED", **more: object) -> Record:
    return {
        "id": id, "caption": f"caption {id}", "media_type": media_type, "media_product_type": product,
        "media_url": f"https://cdn.example/{id}", "permalink": f"https://instagram.example/{id}", "shortcode": f"S{id}",
        "thumbnail_url": None, "timestamp": "2026-11-01T10:00:00+0000", "username": "northwind", "like_count": 3,
        "comments_count": 1, "is_comment_enabled": True, **more,
    }


def instagram_media() -> Iterator[tuple[dt.date, list[Record]]]:
    yield day(1), [
        media("31", "IMAGE", insights=lifetime(reach=5, views=9, likes=3, comments=1, saved=2, shares=0, reposts=1,
                                               total_interactions=6, total_views=12, total_likes=4, total_comments=2)),
        media("32", "VIDEO", insights=lifetime(reach=5, total_interactions=2)),
        media("33", "VIDEO", "REELS", insights=lifetime(
            reach=8, views=20, likes=4, ig_reels_avg_watch_time=2345, ig_reels_video_view_total_time=46900)),
        media("34", "CAROUSEL_ALBUM", insights=[
            {"name": "reach", "period": "lifetime", "total_value": {"value": 6}}, *lifetime(views=7, total_interactions=1)]),
        media("35", "IMAGE"),
    ]
    yield day(2), [media("31", "IMAGE", like_count=8), media("35", "IMAGE", insights=[])]
    yield day(3), [{"id": "31", "insights": lifetime(reach=6, views=10)}]
    yield day(4), [{"id": "31", "is_deleted": True}]


def navigation(**actions: int) -> Record:
    results = tuple((f"TAP_{name.upper()}", number) for name, number in actions.items())
    return {"name": "navigation", "period": "lifetime", "total_value": {
        "value": sum(actions.values()), "breakdowns": [parts("story_navigation_action_type", *results)]}}


def instagram_stories() -> Iterator[tuple[dt.date, list[Record]]]:
    few = {"insights_error": "(10) Not enough viewers for the media to show insights"}
    yield day(1), [
        media("41", "IMAGE", "STORY", insights=[*lifetime(reach=3, views=4, replies=1), navigation(forward=2, exit=1)]),
        media("42", "IMAGE", "STORY", **few),
        media("43", "IMAGE", "STORY", insights=lifetime(reach=5)),
    ]
    ended = {"ended_at": "2026-11-02T10:00:00+00:00"}
    last = media("41", "IMAGE", "STORY", **ended, insights=[
        *lifetime(reach=5, views=8, replies=1, shares=0, total_interactions=1, navigation=7), navigation(forward=4, back=1, exit=2),
    ])
    yield day(2), [
        last,
        media("42", "IMAGE", "STORY", **few, **ended),
        media("43", "IMAGE", "STORY", **ended, webhook_lost=True),  # its last values are those of the day before
        {"id": "44", **ended, "story_insights": {"reach": 9, "exits": 2}},  # no poll has read it
    ]
    # Reported a day after its end.
    yield day(3), [{**last, "story_insights": {"reach": 7, "replies": 2, "taps_forward": 6, "taps_back": 1, "exits": 4}}]


def ads() -> Iterator[Landed]:
    """Yield two ad accounts: ad A promotes the Page by its story spec, B by the post it shows, C by its ad set, D none."""
    for account, names in (("1", "ACD"), ("2", "B")):
        node, at = f"act_{account}", SNAPSHOT_DAY
        yield "accounts", node, at, [{"id": node, "account_id": account, "currency": "USD" if account == "1" else "EUR"}]
        yield "ad_sets", node, at, [
            {"id": f"S{name}", "account_id": account, "promoted_object": {"page_id": "12"} if name == "C" else None}
            for name in names]
        yield "ads", node, at, [
            {"id": name, "account_id": account, "adset_id": f"S{name}", "creative": {"id": f"K{name}"}} for name in names]
        stories: dict[str, Record] = {
            "A": {"object_story_spec": {"page_id": PAGE}, "effective_object_story_id": "99_1"},
            "B": {"effective_object_story_id": f"{PAGE}_1"}, "C": {"error": "(100/2446289) incomplete"}, "D": {},
        }
        yield "creatives", node, at, [{"id": f"K{name}", "account_id": account, **stories[name]} for name in names]
    delivery = {"impressions": "100", "clicks": "5", "inline_link_clicks": "3"}
    for account, currency, date, spends in (
        ("1", "USD", day(31, 10), {"A": "1.5", "D": "9"}), ("1", "USD", day(1), {"A": "2"}),
        ("2", "EUR", day(1), {"B": "3"}), ("1", "USD", day(6), {"C": "4"}),
    ):
        yield "ad_insights", f"act_{account}", date, [
            {"account_id": account, "account_currency": currency, "campaign_id": "M", "adset_id": f"S{name}",
             "ad_id": name, "spend": spend, **delivery}
            for name, spend in spends.items()
        ]


def landed() -> Iterator[Landed]:
    """Yield report, node, day and records of everything."""
    reports = {
        "page_insights": (PAGE, page_insights), "page_audience": (PAGE, page_audience), "page_posts": (PAGE, page_posts),
        "instagram_insights": (INSTAGRAM, instagram_insights), "instagram_media": (INSTAGRAM, instagram_media),
        "instagram_demographics": (INSTAGRAM, instagram_demographics), "instagram_stories": (INSTAGRAM, instagram_stories),
    }
    for report, (node, records) in reports.items():
        for date, rows in records():
            yield report, node, date, rows
    yield from ads()


def encoded(record: Record) -> bytes:
    """Return a record as JSON, without the fields that are None: Meta leaves those out."""
    return json.dumps({name: part for name, part in record.items() if part is not None}, ensure_ascii=False).encode()
