"""Budgets, weeks and months of two accounts in two currencies, with every row of their November written by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.copied.exchange_rates import RateSettings
from meta_pipeline.warehouse.warehouse import Warehouse

NOVEMBER = [dt.date(2026, 11, 1) + dt.timedelta(days=number) for number in range(30)]
ENDED = dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
# The first observation, and the one after the budget was raised at noon of the 10th in Auckland.
FIRST, RAISED = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC), dt.datetime(2026, 11, 10, 1, tzinfo=dt.UTC)
NOT_READ = dt.date(2026, 11, 25)  # of the second account
ACCOUNTS = {"1": ("NZD", "Pacific/Auckland"), "2": ("JPY", "Asia/Tokyo")}


CONVERTED = ("account_report", "campaign_report", "ad_set_report", "ad_report", "country_report", "creative_report")


class World:
    """Landed days and listings, the warehouse, and the marts under test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        rates = path / "rates.csv"
        rates.write_text("date,currency,rate\n2026-10-01,NZD,0.5\n2026-11-15,NZD,0.6\n2026-11-09,JPY,0.01\n")
        self.warehouse = Warehouse(
            path / "warehouse.duckdb", insights_tables(REPORTS.values()), rates=RateSettings(rates, "EUR")
        )

    def land(self, report: str, account: str, *rows: Mapping[str, object], day: dt.date = SNAPSHOT_DAY, at: dt.datetime = ENDED) -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
        self.landing.write_day(
            report, f"act_{account}", day, [(json.dumps(row).encode(), batch) for row in rows], request={}, run_id="r",
            backfill_id="b", now=at,
        )

    def observe(self, report: str, account: str, at: dt.datetime, **fields: object) -> None:
        self.land(report, account, {"account_id": account, "effective_status": "ACTIVE", "status": "ACTIVE", **fields}, at=at)
        self.warehouse.load(self.engine, now=at)

    def build(self, *models: str) -> None:
        dbt_builds.build(self.warehouse.file, "--indirect-selection", "cautious", "--select", *(f"+{model}" for model in models))

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse.file), read_only=True) as connection:
            return connection.execute(f"set timezone = 'UTC'; {text}").fetchall()


def spend_of(day: dt.date) -> Decimal:
    return day.day + Decimal("0.25")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("periods"))
    for account, (currency, zone) in ACCOUNTS.items():
        world.observe("accounts", account, FIRST, id=f"act_{account}", currency=currency, timezone_name=zone, name=f"Account {account}")
        ids = {"account_id": account, "campaign_id": f"C{account}"}
        for day in NOVEMBER:
            row = {**ids, "account_currency": currency, "adset_id": f"S{account}", "ad_id": f"A{account}",
                   "spend": str(spend_of(day)), "impressions": f"{day.day}00", "clicks": "2", "inline_link_clicks": "1"}
            if (account, day) != ("2", NOT_READ):
                world.land("ad_insights", account, row, day=day)
                world.land("account_insights", account, row, day=day)
                world.land("ad_insights_by_country", account, {**row, "country": "NZ"}, day=day)
    for day in NOVEMBER:
        window = {"account_id": "1", "date_start": str(day - dt.timedelta(days=6)), "impressions": "9", "reach": f"{day.day}7"}
        world.land("account_reach_7d", "1", window, day=day)
        world.land("account_reach_7d", "2", {**window, "account_id": "2"}, day=day)
        world.land("account_reach_month", "1", {**window, "date_start": "2026-11-01"}, day=day)
    sunday = {"account_id": "1", "campaign_id": "C1", "date_start": "2026-11-02", "impressions": "9", "reach": "5"}
    world.land("campaign_reach_7d", "1", sunday, day=dt.date(2026, 11, 8))
    # The campaign of account 1 has a budget for its flight, the 1st to the 30th in Auckland; the ad set of account 2
    # has one for a day.
    flight = {"id": "C1", "start_time": "2026-11-01T00:00:00+1300", "stop_time": "2026-12-01T00:00:00+1300"}
    world.observe("campaigns", "1", FIRST, **flight, lifetime_budget="30000")
    world.observe("ad_sets", "1", FIRST, id="S1", campaign_id="C1", daily_budget="0", lifetime_budget="0")
    world.observe("campaigns", "1", RAISED, **flight, lifetime_budget="60000")
    world.observe("campaigns", "2", FIRST, id="C2")
    world.observe("ad_sets", "2", FIRST, id="S2", campaign_id="C2", daily_budget="40", start_time="2026-10-05T00:00:00+0900")
    world.build("facebook_ads__budget_pacing", "facebook_ads__weekly_report", "facebook_ads__monthly_report", *(f"facebook_ads__{name}" for name in CONVERTED))
    return world


def test_a_lifetime_budget_is_paced_over_its_flight_with_the_amount_of_the_day(world: World) -> None:
    rows = world.sql("""
        select date_day, budget_level, budget_owner_id, ad_set_id, currency, is_budget_observed, budget, period_days, days_remaining,
            spend_to_date, expected_spend_to_date, projected_spend, share_of_budget_spent
        from marts.facebook_ads__budget_pacing where account_id = '1' order by 1""")

    assert len(rows) == 30
    for number, row in enumerate(rows, 1):
        budget = 300 if number < 10 else 600
        spent = sum(map(spend_of, NOVEMBER[:number]))
        assert row[:9] == (NOVEMBER[number - 1], "campaign", "C1", None, "NZD", number >= 4, budget, 30, 30 - number)
        assert row[9:12] == (spent, pytest.approx(Decimal(budget * number) / 30), pytest.approx(spent * 30 / number, abs=Decimal("1e-6")))
        assert row[12] == pytest.approx(spent / budget, abs=Decimal("1e-6"))


def test_a_daily_budget_of_an_ad_set_is_paced_over_the_month_until_a_day_is_missing(world: World) -> None:
    rows = world.sql("""
        select date_day, budget_level, budget_owner_id, campaign_id, currency, budget_type, budget, period_start, period_end,
            is_period_read, pacing_difference, period_budget
        from marts.facebook_ads__budget_pacing where account_id = '2' order by 1""")

    # The first day that was read is the first of the month, so no day of the period is missing before the gap.
    assert [row[0] for row in rows] == [day for day in NOVEMBER if day != NOT_READ]
    for row in rows:
        number, is_read = row[0].day, row[0] < NOT_READ
        assert row[1:9] == ("ad_set", "S2", "C2", "JPY", "daily", 40, NOVEMBER[0], NOVEMBER[-1])
        spent = sum(map(spend_of, NOVEMBER[:number]))
        assert row[9:] == (is_read, spent - 40 * number if is_read else None, 1200 if is_read else 1160)


def rate_of(currency: str, day: dt.date) -> Decimal | None:
    if currency == "NZD":
        return Decimal("0.5") if day < dt.date(2026, 11, 15) else Decimal("0.6")
    return Decimal("0.01") if day >= dt.date(2026, 11, 9) else None


@pytest.mark.parametrize("report", CONVERTED)
def test_every_report_has_money_in_the_reporting_currency_from_the_first_rate_on(world: World, report: str) -> None:
    rows = world.sql(f"select currency, date_day, spend, reporting_currency, spend_in_reporting_currency from marts.facebook_ads__{report}")

    assert len(rows) == 59
    for currency, day, spend, reporting_currency, converted in rows:
        rate = rate_of(currency, day)
        assert (reporting_currency, converted) == (rate and "EUR", rate and spend * rate)


def test_a_week_and_a_month_are_sums_of_days_with_the_reach_measured_for_exactly_these_days(world: World) -> None:
    columns = "spend, impressions, reach, reach_status, days_read, is_complete, is_provisional, spend_in_reporting_currency"
    periods = {
        (level, account, start): row
        for mart, start_of in (("weekly", "week_start"), ("monthly", "month_start"))
        for level, account, start, *row in world.sql(f"select level, account_id, {start_of}, {columns} from marts.facebook_ads__{mart}_report")
    }

    assert len(periods) == 2 * 2 * (6 + 1)
    for account, (currency, _) in ACCOUNTS.items():
        # Sunday the 1st, four whole weeks, Monday the 30th, and the month.
        spans = [NOVEMBER[:1], *(NOVEMBER[first:first + 7] for first in (1, 8, 15, 22)), NOVEMBER[29:]]
        for days, start in [*((span, span[0] - dt.timedelta(days=span[0].weekday())) for span in spans), (NOVEMBER, NOVEMBER[0])]:
            read = [day for day in days if (account, day) != ("2", NOT_READ)]
            rates = [rate_of(currency, day) for day in read]
            converted = None if None in rates else sum(spend_of(day) * rate for day, rate in zip(read, rates, strict=True) if rate)
            is_whole = read == days and len(days) in (7, 30)
            expected = [sum(map(spend_of, read)), sum(day.day * 100 for day in read), len(read), is_whole, start == NOVEMBER[29], converted]
            reach = int(f"{days[-1].day}7") if is_whole and (account, days) != ("2", NOVEMBER) else None
            of_campaign = 5 if (account, start) == ("1", NOVEMBER[1]) else None
            for level, people in (("account", reach), ("campaign", of_campaign)):
                status = "measured" if people else "not measured" if is_whole else "period incomplete"
                row = periods[level, account, start]
                assert [*row[:2], *row[4:]] == expected and row[2:4] == [people, status], (level, account, start)
