"""The registry of metrics: those that are read, those that Meta ended, and no name that is both live and dead."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.insightsresult import InsightsResult
from facebook_business.adobjects.instagraminsightsresult import InstagramInsightsResult

from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.metrics.metric import REPORTS_BY_OBJECT, Metric, ObjectKind, Registry
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.records import ConfigError

TODAY = dt.date(2026, 11, 27)
V24, V26 = "v24.0", "v26.0"
FACTS = (Path(__file__).parents[3] / "docs" / "graph-api.md").read_text()
LIVE = [metric for metric in METRICS.values() if not metric.has_ended(TODAY)]
DEAD = [metric for metric in METRICS.values() if metric.has_ended(TODAY)]


def values(of: type) -> set[str]:
    return {value for name, value in vars(of).items() if not name.startswith("_") and isinstance(value, str)}


def requested(report: str, *, version: str = V24, media_type: str | None = None) -> str:
    return " ".join(m.name for m in METRICS.requested(report, on=TODAY, version=version, media_type=media_type))


def test_each_report_requests_its_metrics() -> None:
    assert {report: requested(report) for reports in REPORTS_BY_OBJECT.values() for report in reports} == {
        "page_insights": "page_media_view page_total_media_view_unique page_post_engagements page_views_total "
        "page_follows page_daily_follows page_daily_follows_unique page_daily_unfollows_unique page_total_actions "
        "page_video_views page_video_complete_views_30s page_video_view_time page_actions_post_reactions_total",
        "page_audience": "page_follows_city page_follows_country",
        "page_posts": "post_media_view post_total_media_view_unique post_clicks post_reactions_like_total "
        "post_reactions_by_type_total post_video_views post_video_avg_time_watched post_video_views_15s",
        "instagram_insights": "reach views accounts_engaged total_interactions likes comments saves shares reposts "
        "replies follows_and_unfollows profile_links_taps profile_views website_clicks follower_count",
        "instagram_demographics": "follower_demographics engaged_audience_demographics",
        "instagram_media": "reach views likes comments saved shares total_interactions reposts total_views total_likes "
        "total_comments ig_reels_avg_watch_time ig_reels_video_view_total_time",
        "instagram_stories": "reach views replies shares total_interactions navigation",
    }


def test_the_reports_are_those_that_land() -> None:
    names = {report for reports in REPORTS_BY_OBJECT.values() for report in reports}

    assert names == {*PAGE_REPORTS, *INSTAGRAM_REPORTS}


def test_the_defaults_are_one_period_and_the_breakdowns_that_the_marts_need() -> None:
    default = [metric for metric in LIVE if metric.is_default]

    assert {period for metric in default for period in metric.default_periods} == {"day", "lifetime"}
    assert all(len(metric.default_periods) == 1 for metric in default)
    assert {metric.key: metric.requested_breakdowns for metric in default if metric.requested_breakdowns} == {
        ("page_media_view", "page"): ("is_from_ads", "is_from_followers"),
        ("reach", "instagram_account"): ("follow_type",),
        ("views", "instagram_account"): ("follow_type",),
        ("follows_and_unfollows", "instagram_account"): ("follow_type",),
        ("follower_demographics", "instagram_account"): ("age,gender", "country", "city"),
        ("engaged_audience_demographics", "instagram_account"): ("age,gender", "country", "city"),
        ("navigation", "story"): ("story_navigation_action_type",),
    }
    assert [m.name for m in default if m.metric_types[:1] == ("time_series",)] == ["follower_count"]
    assert [m.name for m in default if m.default_timeframe] == ["engaged_audience_demographics"]
    assert [m.name for m in LIVE if m.history_days] == ["follower_count", "online_followers"]


def test_no_live_metric_has_the_name_of_a_dead_one() -> None:
    assert {metric.name for metric in LIVE} & {metric.name for metric in DEAD} == set()
    assert len(LIVE) > 100 and len(DEAD) > 90


def test_the_replacement_of_a_dead_metric_is_live_for_the_same_kind_of_object() -> None:
    live = {metric.key for metric in LIVE}

    assert [m.name for m in DEAD if m.replacement is not None and (m.replacement, m.object) not in live] == []
    assert [metric.name for metric in LIVE if metric.replacement or metric.valid_to] == []


def test_people_averages_and_levels_are_not_additive() -> None:
    pattern = re.compile(r"unique|reach|avg|retention|length|rate|demographics|engaged$|online|^page_follows")

    assert [m.name for m in LIVE if m.is_additive and pattern.search(m.name)] == []
    assert [m.name for m in LIVE if not m.is_additive and not pattern.search(m.name)] == []


@pytest.mark.parametrize("name", [
    "page_video_views_by_uploaded_hosted", "page_video_complete_views_30s_repeat_views",
    "page_actions_post_reactions_sorry_total", "post_reactions_anger_total", "page_tab_views_login_top_unique",
    "post_video_views_paid", "post_video_retention_graph_autoplayed", "page_lifetime_engaged_followers_unique",
    "content_monetization_earnings", "post_video_complete_views_30s_clicked_to_play",
])
def test_every_metric_of_a_family_is_in_the_registry(name: str) -> None:
    metric = METRICS.named(name)[0]

    assert metric.is_live(on=TODAY, version=V24) and not metric.is_default


@pytest.mark.parametrize(("name", "sentence"), [
    ("page_engaged_users", "page_engaged_users ended on 2024-03-14; page_post_engagements is closest, but counts actions, not people"),
    ("page_impressions", "page_impressions ended on 2025-11-15; page_media_view is closest"),
    ("page_impressions_paid", "page_impressions_paid ended on 2025-11-15; page_media_view is closest, with its breakdown is_from_ads"),
    ("page_impressions_viral", "page_impressions_viral ended on 2025-11-15; Meta has no replacement"),
    ("page_fans", "page_fans ended on 2025-11-15; page_follows is closest, but counts followers, not likes"),
    ("post_impressions_unique", "post_impressions_unique ended on 2026-06-15; post_total_media_view_unique is closest"),
    ("impressions", "impressions ended on 2025-04-21; views is closest"),
    ("email_contacts", "email_contacts ended on 2025-01-08; profile_links_taps is closest, with its breakdown contact_button_type"),
])
def test_a_retired_name_says_when_it_ended_and_what_is_closest(name: str, sentence: str) -> None:
    assert METRICS.retired(name, on=TODAY) == sentence
    assert not any(metric.is_live(on=TODAY, version=V26) for metric in METRICS.named(name))


def test_a_name_is_retired_from_its_last_day_on() -> None:
    last = dt.date(2025, 11, 15)

    assert METRICS.retired("page_impressions", on=last - dt.timedelta(days=1)) is None
    assert METRICS.retired("page_impressions", on=last)
    assert METRICS.retired("page_media_view", on=last) is METRICS.retired("no_such_metric", on=last) is None
    assert METRICS.retired("reach", on=TODAY, kind="story") is METRICS.retired("impressions", on=TODAY, kind="page") is None


@pytest.mark.parametrize(("media_type", "without"), [
    ("IMAGE", {"ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}),
    ("CAROUSEL_ALBUM", {"ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}),
    ("VIDEO", {"views", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}),
    ("REELS", set()),
])
def test_only_the_metrics_of_its_type_are_requested_for_a_medium(media_type: str, without: set[str]) -> None:
    of_type = set(requested("instagram_media", media_type=media_type).split())

    assert set(requested("instagram_media").split()) - of_type == without
    assert requested("instagram_media", media_type="STORY") == ""
    assert requested("instagram_stories", media_type="STORY") == requested("instagram_stories")


def test_a_metric_waits_for_its_version_and_its_first_day() -> None:
    facebook_views, total_views = METRICS["facebook_views", "media"], METRICS["total_views", "media"]

    assert not facebook_views.is_live(on=TODAY, version="v9.0") and not facebook_views.is_live(on=TODAY, version=V24)
    assert facebook_views in METRICS.live("media", on=TODAY, version=V26)
    assert facebook_views not in METRICS.live("media", on=TODAY, version="v25.0")
    assert not total_views.is_live(on=dt.date(2026, 6, 17), version=V24)
    assert total_views.is_live(on=dt.date(2026, 6, 18), version=V24)
    assert total_views.unavailable(on=dt.date(2026, 6, 17), version=V24) == "from 2026-06-18"


def test_names_are_those_of_metas_sdk() -> None:
    of_media = {metric.name for metric in LIVE if metric.object in ("media", "story")}

    assert of_media == values(InstagramInsightsResult.Metric) - {"impressions"}
    assert {period for metric in LIVE for period in metric.periods} <= values(InsightsResult.Period)
    assert {name for m in LIVE for name in m.metric_types} <= values(InstagramInsightsResult.MetricType)
    assert {name for m in LIVE for name in m.timeframes} <= values(InstagramInsightsResult.Timeframe)
    breakdowns = {name for m in LIVE if m.object in ("media", "story") for name in m.breakdowns}
    assert breakdowns <= values(InstagramInsightsResult.Breakdown)


def documented_names(section: str) -> list[re.Pattern[str]]:
    """Return a pattern for each name in the tables of a section of the facts: `{a,b}` is either, `*` any ending, and a
    name that begins with `_` is an ending of the row's other names."""
    patterns = []
    for row in re.findall(r"^\| .*$", re.split(r"^##", FACTS.split(f"### {section} ")[1], flags=re.M)[0], re.M):
        names = re.findall(r"`([\w*{},]+)`", row)
        stems = [name for name in names if not name.startswith("_")]
        patterns += [*stems, *(stem + end for stem in stems for end in names if end.startswith("_"))]
    alternatives = str.maketrans({"{": "(", "}": ")", ",": "|", "*": r"\w*"})
    return [re.compile(name.translate(alternatives)) for name in patterns]


def test_every_metric_is_in_the_section_of_the_facts_that_it_cites() -> None:
    sections = {"page": "3.3", "post": "3.3", "instagram_account": "3.4", "media": "3.4", "story": "3.4"}
    documented = {number: documented_names(number) for number in ("3.3", "3.4")}

    assert [m.name for m in METRICS.values() if m.source != f"docs/graph-api.md §{sections[m.object]}"] == []
    assert [
        m.name for m in METRICS.values()
        if not any(pattern.fullmatch(m.name) for pattern in documented[sections[m.object]])
    ] == []
    assert [m.name for m in LIVE if not m.periods or m.confidence not in "DSPR"] == []


def test_earnings_are_never_requested_with_other_metrics() -> None:
    assert {m.name for m in METRICS.values() if m.request_group} == {
        "monetization_approximate_earnings", "content_monetization_earnings"
    }


@pytest.mark.parametrize(("changes", "reason"), [
    ({"object": "video"}, "its object must be one of page, post"),
    ({"report": "page_posts"}, "page_posts reads no page"),
    ({"periods": (), "default_periods": ()}, "it has no period"),
    ({"default_periods": ("week",)}, "a requested period"),
    ({"requested_breakdowns": ("country",)}, "a requested breakdown"),
    ({"needs_breakdown": True}, "it needs a breakdown"),
    ({"valid_from": TODAY, "valid_to": TODAY}, "is not after its valid_from"),
])
def test_a_metric_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=f"metric page_follows: .*{reason}"):
        dataclasses.replace(METRICS["page_follows", "page"], **changes)


def test_a_kind_of_object_has_only_one_metric_of_a_name() -> None:
    metric = METRICS["page_follows", "page"]
    kinds: list[ObjectKind] = ["instagram_account", "media", "story"]

    with pytest.raises(ConfigError, match="it is defined twice for a page"):
        Registry([metric, metric])
    assert [m.object for m in METRICS.named("reach")] == kinds
    assert isinstance(METRICS.get(("reach", "media")), Metric) and METRICS.get(("reach", "page")) is None
