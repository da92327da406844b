"""The reports of all kinds of nodes."""

from __future__ import annotations

import dataclasses

import pytest

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.catalogue import NODE_REPORTS, all_reports
from meta_pipeline.records import ConfigError


def test_all_reports_are_those_of_ads_pages_and_instagram_accounts() -> None:
    assert all_reports(REPORTS).keys() == REPORTS.keys() | NODE_REPORTS.keys()


def test_a_configured_report_cannot_have_the_name_of_a_report_of_pages() -> None:
    mine = dataclasses.replace(REPORTS["ad_insights"], name="page_posts")

    with pytest.raises(ConfigError, match="META_PIPELINE_REPORTS: report page_posts: the name is taken"):
        all_reports({**REPORTS, "page_posts": mine})


def test_reports_of_days_say_how_many_months_meta_keeps_and_snapshots_have_no_past() -> None:
    months = {name: report.history_months for name, report in NODE_REPORTS.items()}

    assert months == {
        "account_activities": 37, "page_insights": 24, "instagram_insights": 24,
        **dict.fromkeys(
            ("page_audience", "page_posts", "instagram_demographics", "instagram_media", "instagram_stories")
        ),
    }
