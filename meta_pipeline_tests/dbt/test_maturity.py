"""Maturity curves of an account that is read daily, compared with the sandbox's figures of its days at each age."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.costs.account_costs import NODE, TODAY, Account
from harness.dbt.dbt_builds import WITHOUT_TESTS, DbtBuilds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.sandbox.world.delivery import Delivery
from meta_pipeline.warehouse.warehouse import Warehouse

DAYS = 60
READ_DAILY = (1, 2, 3)  # ages; later ones are read more rarely


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    account = Account(tmp_path_factory.mktemp("home"), ads=6, world={"is_daily": True})
    account.daily(("ad_insights",), days=DAYS)
    return account


@pytest.fixture(scope="module")
def file(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = Warehouse(folder / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(account.engine, now=account.clock.now())
    DbtBuilds(folder / "dbt").run(
        warehouse.file, "build", "--select", "+facebook_ads__settled_estimates", "facebook_ads__maturity_report",
        *WITHOUT_TESTS)
    return warehouse.file


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"set timezone = 'Asia/Tokyo'; {sql}").fetchall()


def figures_at(account: Account, day: dt.date, age: int) -> list[Delivery]:
    """Return the sandbox's figures of all ads for a day, as of 06:00 UTC when the day has this age."""
    world = account.graph.world
    at = dt.datetime.combine(day + dt.timedelta(days=age), dt.time(6), dt.UTC)
    ads = [ad for ad in world.ads.values() if f"act_{ad.account.id}" == NODE]
    return [world.delivery(ad, day, at) for ad in ads]


def test_shares_are_those_of_the_days_that_meta_no_longer_changes(account: Account, file: Path) -> None:
    shares = {
        (metric, age): (days, float(share)) for metric, age, days, share in rows(
            file, "select metric, age_days, days, share_of_final from marts.facebook_ads__maturity_report "
            "where age_days > 0")
    }
    settled = [day for (day,) in rows(
        file, "select date_day from intermediate.int_report_days_read where report = 'ad_insights' "
        "and cast(timezone('UTC', read_at) as date) - date_day > 28")]

    for age in READ_DAILY:
        # The account was read for the first time on the day after TODAY.
        had_been_read = [day for day in settled if day + dt.timedelta(days=age) > TODAY]
        assert len(had_been_read) >= 20
        for metric in ("spend", "impressions", "link_clicks"):
            then = sum(getattr(each, metric) for day in had_been_read for each in figures_at(account, day, age))
            final = sum(getattr(each, metric) for day in had_been_read for each in figures_at(account, day, 35))
            days, share = shares[metric, age]
            assert days == len(had_been_read) and share == pytest.approx(then / final, abs=1e-6), (metric, age)
    curve = [shares["spend", age][1] for age in range(1, 29)]
    # The latest read of a 28 days old day may be a week old, from an age of 21 days or more.
    assert curve == sorted(curve) and 0.79 < curve[0] < 0.82 and 0.95 < curve[-1] < 1


def test_an_estimate_is_close_to_the_days_final_figure(account: Account, file: Path) -> None:
    estimates = rows(
        file, "select date_day, age_days, spend_settled_estimate, spend from marts.facebook_ads__settled_estimates "
        "where age_days <= 3 order by 1")

    assert {age for _, age, _, _ in estimates} == set(READ_DAILY)
    for day, _, estimate, measured in estimates:
        final = sum(each.spend for each in figures_at(account, day, 35)) / 1_000_000
        assert float(measured) < 0.85 * final and float(estimate) == pytest.approx(final, rel=0.01)
