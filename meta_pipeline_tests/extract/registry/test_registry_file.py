"""The operator's file: it adds, retires and switches metrics, and a mistake in it is reported in one sentence."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.registry.registry_file import load_registry, parse_registry
from meta_pipeline.records import ConfigError

TODAY = dt.date(2026, 11, 27)
END = dt.date(2026, 12, 1)
OWN = """
[metrics.page_new_metric]
object = "page"
periods = ["day", "week"]
additive = true

[metrics.page_views_total]
valid_to = 2026-12-01
replacement = "page_media_view"

[metrics.page_video_repeat_views]
enabled = true

[metrics.reposts]
object = "media"
enabled = false

[periods]
page_insights = ["day", "week", "days_28"]

[breakdowns]
instagram_demographics = ["age,gender", "country", "city", "age"]
"""


def names(registry: Registry, report: str, on: dt.date = TODAY) -> list[str]:
    return [metric.name for metric in registry.requested(report, on=on, version="v24.0")]


def test_a_file_adds_retires_and_switches_metrics() -> None:
    registry = parse_registry(OWN, source="m.toml")
    before, after = set(names(METRICS, "page_insights")), names(registry, "page_insights")

    assert set(after) - before == {"page_new_metric", "page_video_repeat_views"} and before < set(after)
    assert set(after) - set(names(registry, "page_insights", END)) == {"page_views_total"}
    new = registry["page_new_metric", "page"]
    assert new.is_additive and new.source == "m.toml" and new.confidence == "R" and new.report == "page_insights"
    assert registry.retired("page_views_total", on=END) == "page_views_total ended on 2026-12-01; page_media_view is closest"
    assert registry.retired("page_views_total", on=TODAY) is None
    assert set(names(METRICS, "instagram_media")) - set(names(registry, "instagram_media")) == {"reposts"}
    assert "reposts" in names(registry, "instagram_insights")


def test_further_periods_are_requested_where_a_metric_has_them() -> None:
    registry = parse_registry(OWN, source="m.toml")

    assert registry["page_media_view", "page"].default_periods == ("day", "week", "days_28")
    assert registry["page_new_metric", "page"].default_periods == ("day", "week")
    assert registry["page_follows", "page"].default_periods == ("day",)
    assert registry["page_follows_city", "page"].default_periods == ("lifetime",)
    only_week = parse_registry('[periods]\npage_insights = ["week"]', source="m.toml")
    assert only_week["page_media_view", "page"].default_periods == ("week",)
    assert only_week["page_follows", "page"].default_periods == ("day",)


def test_breakdowns_are_chosen_by_report_and_those_that_a_metric_needs_stay() -> None:
    registry = parse_registry(OWN + 'instagram_insights = ["media_product_type"]\npage_insights = []', source="m.toml")

    assert registry["follower_demographics", "instagram_account"].requested_breakdowns == ("age,gender", "country", "city", "age")
    assert registry["reach", "instagram_account"].requested_breakdowns == ("media_product_type",)
    assert registry["likes", "instagram_account"].requested_breakdowns == ("media_product_type",)
    assert registry["follows_and_unfollows", "instagram_account"].requested_breakdowns == ("follow_type",)
    assert registry["page_media_view", "page"].requested_breakdowns == ()


def test_every_combination_of_demographics_can_be_switched_on() -> None:
    combinations = METRICS["follower_demographics", "instagram_account"].breakdowns

    assert len(set(combinations)) == 15 and "age,gender,country,city" in combinations


def test_a_new_metric_needs_only_its_object() -> None:
    text = "\n".join(f'[metrics.{kind}_new]\nobject = "{kind}"' for kind in ("page", "post", "instagram_account", "media", "story"))
    registry = parse_registry(text, source="m.toml")

    for report, name, period in (
        ("page_insights", "page_new", "day"), ("page_posts", "post_new", "lifetime"),
        ("instagram_insights", "instagram_account_new", "day"), ("instagram_media", "media_new", "lifetime"),
        ("instagram_stories", "story_new", "lifetime"),
    ):
        assert name in names(registry, report)
        assert registry.named(name)[0].default_periods == (period,)
    assert registry["instagram_account_new", "instagram_account"].metric_types == ("total_value",)


def test_every_property_that_requests_depend_on_can_be_changed() -> None:
    registry = parse_registry("""
[metrics.views]
object = "media"
media_types = ["REELS"]
min_version = "v26.0"
valid_from = 2026-01-01
[metrics.page_new]
object = "page"
report = "page_audience"
periods = ["lifetime"]
breakdowns = ["surface_type"]
[metrics.reach]
object = "instagram_account"
metric_types = ["time_series"]
[breakdowns]
page_audience = ["surface_type"]
""", source="m.toml")
    views, new = registry["views", "media"], registry["page_new", "page"]

    assert (views.media_types, views.min_version, views.valid_from) == (("REELS",), "v26.0", dt.date(2026, 1, 1))
    assert (new.report, new.periods, new.requested_breakdowns) == ("page_audience", ("lifetime",), ("surface_type",))
    assert registry["reach", "instagram_account"].metric_types == ("time_series",)
    assert registry["views", "story"] == METRICS["views", "story"]


def test_the_example_of_the_readme_is_valid() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    (example,) = re.findall(r"```toml\n(\[metrics\..*?)```", readme, re.S)

    assert "page_new_metric" in names(parse_registry(example, source="README.md"), "page_insights")


@pytest.mark.parametrize(("before", "after", "reason"), [
    ('object = "page"\n', "", "a new metric needs its object (page, post, instagram_account, media, story)"),
    ('new_metric]\nobject = "page"\n', "media_veiw]\n", "did you mean page_media_view?"),
    ('object = "page"', 'object = "pages"', "object must be one of page, post, instagram_account, media, story, not 'pages'"),
    ("additive = true", "additive = 1", "additive must be true or false, not 1"),
    ("additive", "adds_up", "there is no key 'adds_up'"),
    ('["day", "week"]', '["day", "days_82"]', "periods: there is no period 'days_82', did you mean days_28?"),
    ('["day", "week"]', '["day", "day"]', "periods names day twice"),
    ('["day", "week"]', "[]", "periods names no period"),
    ('["day", "week"]', '"day"', "periods must be a list of names"),
    ("2026-12-01", '"2026-12-01"', "valid_to must be a day such as 2026-12-01, without quotation marks"),
    ("2026-12-01", "2026-12-01T00:00:00Z", "valid_to must be a day"),
    ("valid_to = 2026-12-01", "valid_to = 2026-12-01\nvalid_from = 2027-01-01", "valid_to 2026-12-01 is not after its valid_from"),
    ('"page_media_view"', '"page_media_veiw"', "did you mean page_media_view?"),
    ('"page_media_view"', '"page_impressions"', "its replacement page_impressions ends on 2025-11-15: name another"),
    ('"page_media_view"', '"page_views_total"', "its replacement page_views_total ends on 2026-12-01: name another"),
    ('"page_media_view"', "3", "replacement must be text in quotation marks, not 3"),
    ("page_video_repeat_views", "page_engaged_users", "ended on 2024-03-14; page_post_engagements is closest"),
    ("page_new_metric", "page_impressions", "page_impressions ended on 2025-11-15"),
    ("page_new_metric", '"Page-Metric"', "lower-case letters"),
    ('object = "media"', 'object = "media"\nmin_version = "26"', "min_version must be a version such as v26.0, not '26'"),
    ('object = "media"', 'object = "media"\nmedia_types = ["REEL"]', "did you mean REELS?"),
    ('object = "media"', 'object = "media"\nreport = "instagram_stories"', "report of a media must be instagram_media, not"),
    ("additive = true", 'media_types = ["REELS"]', "a page has no media_types"),
    ("additive = true", 'breakdowns = "country"', "breakdowns must be a list"),
    ("[metrics.page_video_repeat_views]\nenabled = true", "[metrics]\npage_video_repeat_views = true", "metrics must be tables"),
    ("page_insights =", "page_insight =", "periods: there is no report 'page_insight', did you mean page_insights?"),
    ('"days_28"]', '"days_82"]', "periods: page_insights: there is no period 'days_82', did you mean days_28?"),
    ('["day", "week", "days_28"]', "[]", "periods: page_insights names no period"),
    ('"age"]', '"aeg"]', "breakdowns: instagram_demographics: there is no breakdown 'aeg', did you mean age"),
    ("[breakdowns]\n", "breakdowns = 3\n[x]\n", "there is no key"),
    ("[metrics.page_new_metric]", "[metric.page_new_metric]", "did you mean metrics?"),
    ("valid_to =", "valid_to", "is not valid TOML"),
])
def test_a_mistake_is_a_sentence_that_names_file_metric_and_what_to_do(before: str, after: str, reason: str) -> None:
    assert before in OWN
    with pytest.raises(ConfigError) as caught:
        parse_registry(OWN.replace(before, after, 1), source="my/metrics.toml")

    assert str(caught.value).startswith("my/metrics.toml") and "\n" not in str(caught.value)
    assert reason in str(caught.value), str(caught.value)


def test_a_choice_that_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"m.toml: breakdowns must be a table of reports: write \[breakdowns\]"):
        parse_registry("breakdowns = 3", source="m.toml")


def test_a_breakdown_that_a_metric_needs_cannot_be_removed() -> None:
    with pytest.raises(ConfigError, match="metric follows_and_unfollows: it needs a breakdown"):
        parse_registry("[metrics.follows_and_unfollows]\nbreakdowns = []", source="m.toml")


def test_without_a_file_the_registry_is_built_in_and_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "metrics.toml"
    with pytest.raises(ConfigError, match=r"META_PIPELINE_METRICS: .*metrics.toml can't be read"):
        load_registry(file)
    file.write_text(OWN)

    assert load_registry(None) is METRICS
    assert "page_new_metric" in load_registry(file).names
