"""The catalogue: reports that Meta would refuse are refused in one sentence; a file adds and switches on reports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from facebook_business.adobjects.adsinsights import AdsInsights

from meta_pipeline.extract.ads.catalogue.report_file import default_reports, load_catalogue, parse_catalogue
from meta_pipeline.extract.ads.catalogue.reports import REPORTS, Report, months_before, too_old
from meta_pipeline.extract.ads.catalogue.vocabulary import (
    ACTION_FIELDS,
    BREAKDOWNS,
    DEAD_WINDOWS,
    FIELDS,
    WHITELIST,
    WINDOWS,
)
from meta_pipeline.extract.ads.insights.day_partitioner import DayPartitioner
from meta_pipeline.extract.ads.insights.requests import insights_request
from meta_pipeline.extract.forecasting.forecast import forecast_report
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.sizes import Sizes, plan_ranges
from meta_pipeline.records import Batch, ConfigError, LandingError
from meta_pipeline.settings import Settings

DAY = dt.date(2026, 11, 3)
OWN = """
enabled = ["account_reach_7d", "ad_insights_by_product"]

[reports.ad_set_insights_by_age]
level = "adset"
fields = ["account_id", "adset_id", "impressions", "spend", "actions"]
breakdowns = ["age"]
"""


def names(of: type) -> set[str]:
    return {value for name, value in vars(of).items() if not name.startswith("_") and isinstance(value, str)}


def test_every_name_is_in_metas_sdk() -> None:
    assert names(AdsInsights.Field) >= FIELDS
    assert {name for name in FIELDS if AdsInsights._field_types[name] == "list<AdsActionStats>"} == ACTION_FIELDS
    assert names(AdsInsights.ActionAttributionWindows) == WINDOWS | DEAD_WINDOWS
    # Among them product_id, region and `app_id`.
    assert names(AdsInsights.Breakdowns) >= BREAKDOWNS


def test_ten_reports_are_read_by_default_and_the_others_are_switched_on_by_name() -> None:
    assert len(default_reports(REPORTS)) == 10
    optional = set(REPORTS) - set(default_reports(REPORTS))
    assert optional == {
        "ad_insights_by_product", "ad_insights_by_impression_device",
        *(f"{level}_reach_{window}" for level in ("account", "campaign") for window in ("7d", "28d", "month")),
    }
    assert [name for name, report in REPORTS.items() if report.gate] == ["ad_insights_by_impression_device"]


@pytest.mark.parametrize("together", [
    ("age", "country"), ("platform_position",), ("publisher_platform", "age"), ("age", "gender", "country"),
    ("impression_device",), ("age", "device_platform"),
])
def test_breakdowns_that_meta_refuses_together_are_refused_at_once(together: tuple[str, ...]) -> None:
    assert frozenset(together) not in WHITELIST
    with pytest.raises(ConfigError, match="Meta refuses"):
        Report("r", level="ad", fields=("ad_id",), key=("ad_id",), breakdowns=together)


@pytest.mark.parametrize("together", [
    ("publisher_platform", "platform_position", "impression_device", "action_device"), ("country", "region"),
    ("age", "gender", "action_carousel_card_id"), ("product_id", "action_target_id", "action_destination"),
])
def test_breakdowns_that_meta_accepts_together_are_accepted(together: tuple[str, ...]) -> None:
    assert frozenset(together) in WHITELIST


@pytest.mark.parametrize(("name", "since"), [
    ("account_reach_7d", "2026-10-28"), ("campaign_reach_28d", "2026-10-07"), ("account_reach_month", "2026-11-01"),
    ("ad_insights", "2026-11-03"),
])
def test_a_window_ends_on_its_day(name: str, since: str) -> None:
    assert REPORTS[name].span(DAY) == (dt.date.fromisoformat(since), DAY)


def test_windows_are_ranges_of_one_request() -> None:
    request = insights_request(REPORTS["account_reach_month"], Range(dt.date(2026, 10, 31), dt.date(2026, 11, 2)))

    assert request["time_ranges"] == [
        {"since": "2026-10-01", "until": "2026-10-31"}, {"since": "2026-11-01", "until": "2026-11-01"},
        {"since": "2026-11-01", "until": "2026-11-02"},
    ]
    assert not {"time_range", "time_increment", "action_attribution_windows"} & set(request)


def test_a_year_of_windows_is_requested_in_parts_that_fit_into_a_url() -> None:
    days = Range(DAY, DAY + dt.timedelta(days=364)).days
    ranges = plan_ranges(Sizes(5000), days, most=REPORTS["account_reach_28d"].most_days)

    assert [day for part in ranges for day in part.days] == list(days)
    assert max(len(part.days) for part in ranges) <= 31
    assert len(plan_ranges(Sizes(5000), days, most=REPORTS["account_insights"].most_days)) == 1


def row(since: str, until: str) -> bytes:
    return f'{{"account_id":"1","date_start":"{since}","date_stop":"{until}","reach":"5"}}'.encode()


def landed(*rows: bytes) -> dict[dt.date, int]:
    partitioner = DayPartitioner(REPORTS["account_reach_month"], "act_1", Range(dt.date(2026, 11, 2), DAY))
    batch = Batch(records=rows, trace_id="T", version="v26.0", fetched_at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    days = {day: len(records) for day, records in partitioner.partition(batch)}
    assert not partitioner.days_with_duplicate_keys()
    return days


def test_a_windows_rows_go_to_the_day_it_ends_on() -> None:
    days = landed(row("2026-11-01", "2026-11-02"), row("2026-11-01", "2026-11-03"))

    assert days == {dt.date(2026, 11, 2): 1, DAY: 1}


def test_a_window_that_was_not_requested_fails() -> None:
    with pytest.raises(LandingError, match="2026-11-02"):
        landed(row("2026-11-02", "2026-11-03"))


def test_history_ends_on_an_exact_day_that_the_sentence_names() -> None:
    today = dt.date(2026, 11, 25)
    assert too_old(REPORTS["ad_insights"], dt.date(2023, 10, 25), today) is None
    reason = too_old(REPORTS["ad_insights"], dt.date(2023, 10, 24), today)
    assert reason and "37 months" in reason and "2023-10-25" in reason and "2023-10-24" in reason
    assert too_old(REPORTS["ad_insights_by_hourly"], dt.date(2025, 10, 24), today)
    # The first day of the window counts, not its last.
    assert too_old(REPORTS["account_reach_28d"], dt.date(2023, 11, 20), today)
    assert too_old(REPORTS["account_reach_28d"], dt.date(2023, 11, 21), today) is None


def test_a_day_that_a_month_lacks_becomes_its_last_day() -> None:
    assert months_before(dt.date(2026, 3, 31), 13) == dt.date(2025, 2, 28)
    assert months_before(dt.date(2026, 1, 31), 1) == dt.date(2025, 12, 31)


def test_every_report_was_checked_for_the_pinned_version() -> None:
    assert {report.version for report in REPORTS.values()} == {Settings.model_fields["marketing_version"].default}


def test_no_report_promises_more_history_than_meta_keeps() -> None:
    for name, months in (("ad_insights_by_hourly", 37), ("ad_insights", 38)):
        report = REPORTS[name]
        with pytest.raises(ConfigError, match="months"):
            Report("r", level="ad", fields=report.fields, key=("ad_id",), breakdowns=report.breakdowns, history_months=months)


def test_a_file_switches_reports_on_and_adds_reports(tmp_path: Path) -> None:
    file = tmp_path / "reports.toml"
    file.write_text(OWN)
    catalogue = load_catalogue(file)
    mine = catalogue["ad_set_insights_by_age"]

    assert set(default_reports(catalogue)) - set(default_reports(REPORTS)) == {
        "account_reach_7d", "ad_insights_by_product", "ad_set_insights_by_age"
    }
    assert mine.key == ("adset_id", "age") and mine.history_months == 37 and "DELETED" in mine.statuses
    assert mine.fields[-2:] == ("date_start", "date_stop") and mine.windows
    assert not REPORTS["account_reach_7d"].is_default
    assert load_catalogue(None) is REPORTS


def test_a_report_has_the_shortest_history_of_its_fields() -> None:
    catalogue = parse_catalogue(OWN.replace('"spend"', '"reach"'), source="r.toml")

    assert catalogue["ad_set_insights_by_age"].history_months == 13


@pytest.mark.parametrize(("before", "after", "reason"), [
    ('"spend"', '"spned"', "did you mean spend?"),
    ('"spend"', '"zzzz"', "meta-pipeline reports --names"),
    ('"adset"', '"ad_set"', "account, campaign, adset, ad"),
    ('"age"', '"age", "country"', "Meta refuses age, country together"),
    ('"age"', '"device"', "device_platform"),
    ("breakdowns", "breakdown", "did you mean breakdowns?"),
    ("enabled", "enable", "did you mean enabled?"),
    ("account_reach_7d", "account_reach_8d", "did you mean account_reach_"),
    ("ad_set_insights_by_age", "ad_insights", "the name is taken"),
    ("ad_set_insights_by_age", "ads", "the name is taken"),
    ("ad_set_insights_by_age", "ad_insights_versions", "the name is taken"),
    ("reports.ad_set_insights_by_age", 'reports."Über-Bericht"', "lower-case letters"),
    ('"adset_id", ', "", "no unique key without adset_id"),
    ('"adset_id"', '"adset_id", "ad_id"', "has no ad_id"),
    ('["age"]', '["age"]\nwindows = ["7d_view"]', "no data since 2026-01-12"),
    ('["age"]', '["age"]\nwindow = 1', "from 2 to 90"),
    ('["age"]', '["age"]\nhistory_months = 40', "1 to 37"),
    ('["age"]', '["age"]\nenabled = "yes"', "true or false"),
    ('["age"]', '["age", "age"]', "twice"),
    ('["age"]', '"age"', "must be a list"),
    ('["age"]', '["age"]\nkey = ["ad_id"]', "no requested field"),
    ("level =", "level", "is not valid TOML"),
])
def test_a_mistake_is_one_sentence_that_names_file_report_and_what_to_do(before: str, after: str, reason: str) -> None:
    assert before in OWN
    with pytest.raises(ConfigError) as caught:
        parse_catalogue(OWN.replace(before, after), source="my/reports.toml")

    assert str(caught.value).startswith("my/reports.toml") and "\n" not in str(caught.value)
    assert reason in str(caught.value), str(caught.value)
    if "enable" not in before and "account_reach" not in before and "TOML" not in reason:
        assert "report " in str(caught.value)


def test_a_gated_report_is_always_read_by_a_report_run() -> None:
    day = [Range(DAY, DAY)]

    assert forecast_report(REPORTS["ad_insights_by_impression_device"], day, Sizes(5000), polls=4).report_runs == 1
    assert forecast_report(REPORTS["ad_insights_by_device"], day, Sizes(5000), polls=4).report_runs == 0


def test_a_configured_report_that_is_gated_says_so_and_has_metas_history() -> None:
    report = parse_catalogue(OWN.replace('["age"]', '["frequency_value"]'), source="r")["ad_set_insights_by_age"]

    assert report.gate and "frequency values" in report.gate and "ask the advertiser" in report.gate
    assert report.history_months == 6


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_REPORTS"):
        load_catalogue(tmp_path / "none.toml")


def test_action_breakdowns_are_requested_as_such() -> None:
    text = OWN.replace('breakdowns = ["age"]', 'breakdowns = ["age"]\naction_breakdowns = ["action_type", "action_target_id"]')
    request = insights_request(parse_catalogue(text, source="r")["ad_set_insights_by_age"], Range(DAY, DAY))

    assert request["breakdowns"] == ["age"]
    assert request["action_breakdowns"] == ["action_type", "action_target_id"]


def test_one_request_names_every_status() -> None:
    request = insights_request(REPORTS["ad_insights"], Range(DAY, DAY))
    statuses = request["filtering"][0]["value"]

    assert {"ACTIVE", "DELETED", "ARCHIVED"} <= set(statuses)
    assert len(request["filtering"]) == 1
    assert "7d_view" not in request["action_attribution_windows"]
