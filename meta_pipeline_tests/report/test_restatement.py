"""The usual later change of days of an age is measured on all days that were read again, changed or not."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb
import pytest

from meta_pipeline.report.drawings import spend_days
from meta_pipeline.report.marts.published_marts import opened_marts
from meta_pipeline.report.marts.restatement import AgeChange, Spread, change_at, usual_changes
from meta_pipeline.report.page import render
from meta_pipeline.report.read import read_document
from meta_pipeline_tests.fakes.published_marts import publish_marts

CHANGE = Spread(low=0.1, middle=0.2, high=0.4)


def age(since: int, until: int) -> AgeChange:
    return AgeChange(since_age=since, until_age=until, samples=9, spend=None, value=CHANGE)


def published_versions(file: Path, versions: str) -> str:
    """Create a file with these versions of days: day, start of the version, last read, is current, spend, value."""
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute(f"""
            set timezone = 'UTC'; create schema marts;
            create temp table versions as select * from (values {versions})
                as rows(date_day, valid_from, read_at, is_current, spend, value);
            create table marts.facebook_ads__restatement_report as select 'ad_insights' as report, '1' as account_id,
                date_day::date as date_day, valid_from::timestamptz as valid_from, is_current, spend::decimal(18, 6) as spend
            from versions;
            create table marts.facebook_ads__ad_report_history as select '1' as account_id, 'a' as ad_id,
                date_day::date as date_day, valid_from::timestamptz as valid_from, is_current,
                value::decimal(18, 6) as conversions_value
            from versions;
            create table marts.fct_report_coverage as select distinct 'ad_insights' as report, '1' as account_id,
                date_day::date as date_day, max(read_at::timestamptz) over (partition by date_day) as read_at from versions;
        """)
    return str(file)


def test_a_day_read_again_without_a_change_counts_as_unchanged(tmp_path: Path) -> None:
    days = [f"2026-11-0{n}" for n in range(1, 5)]
    changed = [
        f"('{day}', '2026-11-0{n + 2}', null, false, 10, 10), ('{day}', '2026-11-20', '2026-11-20', true, 11, 20)"
        for n, day in enumerate(days[:2], start=1)
    ]
    unchanged = [f"('{day}', '2026-11-0{n + 2}', '2026-11-20', true, 10, 10)" for n, day in enumerate(days[2:], start=3)]
    with opened_marts(published_versions(tmp_path / "warehouse.duckdb", ", ".join(changed + unchanged))) as marts:
        (change,) = usual_changes(marts)

    assert (change.since_age, change.until_age, change.samples) == (2, 3, 4)
    assert change.value is not None and change.value.middle == pytest.approx(0.5)  # of 0, 0, 1, 1
    assert change.spend is not None and change.spend.low == pytest.approx(0)
    assert change.spend.middle == pytest.approx(0.05)


def test_a_day_that_was_not_read_again_is_no_sample(tmp_path: Path) -> None:
    versions = ", ".join(f"('2026-11-0{n}', '2026-11-0{n + 2}', '2026-11-0{n + 2}', true, 10, 10)" for n in range(1, 7))
    with opened_marts(published_versions(tmp_path / "warehouse.duckdb", versions)) as marts:
        assert usual_changes(marts) == []


def test_a_day_younger_than_any_sample_has_the_change_of_the_youngest() -> None:
    changes = [age(2, 3), age(4, 7)]

    assert [change_at(days, changes) for days in (0, 1, 2, 5, 8)] == [changes[0], changes[0], changes[0], changes[1], None]
    assert change_at(3, []) is None


def test_recent_days_have_a_band_and_the_page_a_table_of_it(tmp_path: Path) -> None:
    document = read_document(publish_marts(tmp_path / "warehouse.duckdb"))
    days = spend_days(document.sections[0])
    with_band = [day.day.day for day in days if day.roas_low is not None]
    last = days[-1]

    assert with_band == [24, 25, 26]  # read at the ages of 3, 2 and 1; older ones were not sampled
    assert last.roas is not None and last.roas_low == pytest.approx(last.roas * (1 + document.changes[0].value.low))  # type: ignore[union-attr]
    assert last.is_provisional and not days[-2].is_provisional
    assert "2–3 days" in render(document, title="Report", pictures={})
