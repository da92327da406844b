"""The figures of the page equal SQL on the published marts, to the last digit, and no currency is mixed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meta_pipeline.publish.readers.query import query
from meta_pipeline.report.page import render
from meta_pipeline.report.read import read_document
from meta_pipeline_tests.fakes.published_marts import publish_marts
from meta_pipeline_tests.fakes.report_page import ReportPage

PERIOD = "date_day between date '2026-10-30' and date '2026-11-26'"
PREVIOUS = "date_day between date '2026-10-02' and date '2026-10-29'"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    return publish_marts(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def page(published: str) -> ReportPage:
    return ReportPage(render(read_document(published), title="Report", pictures={}))


def rows(published: str, sql: str) -> list[tuple[Any, ...]]:
    return query(published, sql)[1]


def rates(spend: Decimal, conversions: Decimal, value: Decimal, impressions: int, clicks: int) -> dict[str, Decimal]:
    return {
        "ROAS": Decimal(value) / Decimal(spend), "CTR": Decimal(clicks) / Decimal(impressions) * 100,
        "CPA": Decimal(spend) / Decimal(conversions),
    }


SUMS = "sum(spend), sum(conversions), sum(conversions_value), sum(impressions), sum(clicks_all)"


def test_the_tiles_are_the_sums_of_their_currency(published: str, page: ReportPage) -> None:
    expected = {
        currency: (spend, conversions, value, impressions, clicks)
        for currency, spend, conversions, value, impressions, clicks in rows(
            published, f"select currency, {SUMS} from marts.facebook_ads__account_report where {PERIOD} group by 1"
        )
    }

    assert set(expected) == {"USD", "EUR", "JPY"}
    for currency, section in (("USD", "s1"), ("EUR", "s2"), ("JPY", "s3")):
        spend, conversions, value, impressions, clicks = expected[currency]
        tiles = page.tiles[section]
        assert (tiles[f"Spend, {currency}"], tiles["Conversions"], tiles["Impressions"]) == (spend, conversions, impressions)
        ratios = rates(spend, conversions, value, impressions, clicks)
        assert [tiles["ROAS"], tiles[f"CPA, {currency}"], tiles["CTR, all clicks"]] == pytest.approx(
            [ratios["ROAS"], ratios["CPA"], ratios["CTR"]], rel=Decimal("1e-20")
        )


@pytest.mark.parametrize(
    ("caption", "key", "mart"),
    [
        ("Accounts, USD", "account_name", "account_report"),
        ("Campaigns, JPY", "campaign_name", "campaign_report"),
        ("Placements, EUR", "'Instagram · Stories'", "placement_report"),
        ("Age, EUR", "age", "demographics_report"),
        ("Age and gender, USD", "age || ' · ' || upper(gender[1]) || gender[2:]", "demographics_report"),
    ],
)
def test_the_lines_of_a_table_are_the_sums_of_their_key(
    published: str, page: ReportPage, caption: str, key: str, mart: str
) -> None:
    currency = caption[-3:]
    expected = rows(published, (
        f"select {key}, {SUMS} from marts.facebook_ads__{mart} where {PERIOD} and currency = '{currency}' group by 1"
    ))

    assert expected and {str(name) for name, *_ in expected} <= set(page.tables[caption])
    for name, spend, conversions, value, impressions, clicks in expected:
        line, ratios = page.tables[caption][name], rates(spend, conversions, value, impressions, clicks)
        assert line[f"Spend, {currency}"] == spend
        assert line.get("Conversions", conversions) == conversions
        assert [line["ROAS"], line["CTR"], line[f"CPA, {currency}"]] == pytest.approx(
            [ratios["ROAS"], ratios["CTR"], ratios["CPA"]], rel=Decimal("1e-20")
        )


def test_the_days_have_their_figures_beside_those_of_the_previous_period(published: str, page: ReportPage) -> None:
    def by_day(days: str) -> list[Decimal]:
        sql = f"select sum(spend) from marts.facebook_ads__account_report where {days} and currency = 'JPY' group by date_day order by date_day"
        return [spend for (spend,) in rows(published, sql)]

    lines = list(page.tables["Figures by day, JPY"].values())

    assert [line["Spend, JPY"] for line in lines] == by_day(PERIOD) and len(lines) == 28
    assert [line["Previous period"] for line in lines] == by_day(PREVIOUS)


def test_reach_is_never_added_up(page: ReportPage) -> None:
    accounts = page.tables["Accounts, USD"]

    assert accounts["Northwind US"]["Reach"] == 1600  # Meta's own figure for its window
    assert accounts["Northwind West"]["Reach"] == 402  # the mean of days that have 402 each
    assert "Reach" not in accounts["2 accounts"] and "Reach, people" not in page.tiles["s1"]
    assert page.tiles["s3"]["Reach, people"] == 403


def test_a_change_is_shown_only_against_days_that_were_all_read(tmp_path: Path) -> None:
    published = publish_marts(tmp_path / "warehouse.duckdb")
    complete = read_document(published, since=dt.date(2026, 11, 1), until=dt.date(2026, 11, 7))
    incomplete = read_document(published, since=dt.date(2026, 10, 5), until=dt.date(2026, 10, 11))

    assert all(section.total.previous is not None for section in complete.sections)
    assert all(section.total.previous is None for section in incomplete.sections)
    assert "No comparison" in render(incomplete, title="Report", pictures={})


def test_the_rest_of_the_campaigns_is_one_line_and_the_lines_add_up(tmp_path: Path) -> None:
    accounts = [(str(number), f"Account {number}", "USD") for number in range(10)]
    published = publish_marts(tmp_path / "warehouse.duckdb", accounts=accounts)
    document = read_document(published)
    (section,) = document.sections

    assert [line.name for line in section.campaigns if line.is_rest] == ["8 other campaigns"]
    assert sum(line.totals.spend or 0 for line in section.campaigns) == section.total.totals.spend
    assert len(section.campaigns) == 13


def test_top_creatives_are_those_with_most_spend_and_never_an_unknown_one(published: str) -> None:
    expected = rows(published, f"""
        select creative_id, sum(spend) from marts.facebook_ads__ad_report inner join marts.dim_ads using (ad_id)
        where {PERIOD} and currency = 'USD' and creative_id is not null group by 1 order by 2 desc limit 6""")
    (section,) = [section for section in read_document(published).sections if section.currency == "USD"]

    assert [(creative.creative_id, creative.totals.spend) for creative in section.creatives] == expected and len(expected) == 6


def test_organic_views_of_a_page_are_beside_the_impressions_of_its_ads(published: str, page: ReportPage) -> None:
    ((views,),) = rows(published, f"select sum(media_views_organic) from marts.facebook_pages__pages_report where {PERIOD}")

    assert page.tiles["organic"]["Views"] > 0 and "Figures by day, 12, Page" not in page.tables
    lines = page.tables["Figures by day, Northwind <i>, Page"].values()
    assert sum(line["Organic views"] for line in lines) == views
    assert {line["Impressions of ads"] for line in lines} == {900}
