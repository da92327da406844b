"""A fault in the rows of one account is named, stops no other account, and holds only that account back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.dbt.dbt_builds import WITHOUT_TESTS, DbtBuilds
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publish import publish
from meta_pipeline_tests.fakes.three_accounts import DAYS, FAULTS, ThreeAccounts

MODELS = ("--select", "+account_status", "+facebook_ads__ad_report")
HOLD = PublishPolicy(holds_failed=True)
# The checks that catch each fault on a day of any age. On recent days, differences of sums are only warnings.
CAUGHT = {
    "a doubled partition": {"doubled_rows", "rows_of_ledger"},
    "a missing ad": {"rows_of_ledger"},
    "a wrong currency": {"currency"},
    "no number": {"lost_value"},
    "too many digits": {"lost_value"},
    "a negative figure": {"impossible_value"},
}
BY_AGE = ("reconciliation", "breakdown_adds_up")
SPEND = "select account_id, sum(spend)::int from marts.facebook_ads__ad_report group by 1 order by 1"
STATUS = "select account_id, is_held_back, failed_checks > 0 from marts.account_status order by 1"
FAILURES = "select check_name, report, account_id, date_day from marts.fct_check_failures where severity = 'error'"


def rows(file: str | Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> ThreeAccounts:
    return ThreeAccounts(tmp_path_factory.mktemp("accounts"))


@pytest.fixture(scope="module")
def published(accounts: ThreeAccounts) -> dict[str, str]:
    """Return publications by name: no fault, faults held back, faults only marked, and the days read again."""
    builds, files = DbtBuilds(accounts.file.parent / "dbt"), {}

    def publish_as(name: str, policy: PublishPolicy, *, before: str | None = None) -> None:
        files[name] = str(accounts.file.parent / name / "warehouse.duckdb")
        if before:
            Path(files[name]).parent.mkdir()
            Path(files[name]).write_bytes(Path(files[before]).read_bytes())
        publish(accounts.file, files[name], now=accounts.now, policy=policy)

    builds.run(accounts.file, "build", *MODELS, *WITHOUT_TESTS)
    publish_as("good", HOLD)
    accounts.read(spend=7)
    accounts.inject(*FAULTS)
    builds.run(accounts.file, "build", "--indirect-selection", "buildable", *MODELS)  # no test stops it
    publish_as("held", HOLD, before="good")
    publish_as("marked", PublishPolicy(), before="good")
    accounts.read(spend=9)
    builds.run(accounts.file, "run", *MODELS)
    publish_as("released", HOLD, before="held")
    return files


def test_days_that_add_up_fail_no_check(published: dict[str, str]) -> None:
    assert rows(published["good"], "select * from marts.fct_check_failures") == []
    assert rows(published["good"], STATUS) == [("1", False, False), ("2", False, False), ("3", False, False)]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_a_check_that_names_its_account_report_and_day(published: dict[str, str], fault: str) -> None:
    _, report, day = FAULTS[fault]

    failures = rows(published["held"], FAILURES)

    assert CAUGHT[fault] == {
        check for check, *place in failures if place == [report, "2", day] and check not in BY_AGE
    }


def test_no_other_account_fails_a_check(published: dict[str, str]) -> None:
    assert rows(published["held"], "select distinct account_id from marts.fct_check_failures") == [("2",)]


def test_differences_of_sums_are_reported_too(published: dict[str, str]) -> None:
    sums = "select check_name, report, date_day, detail from marts.fct_check_failures where check_name in {} order by all"

    by_day = {(check, report, day): detail for check, report, day, detail in rows(published["marked"], sums.format(BY_AGE))}

    assert by_day["reconciliation", "ad_insights", DAYS[0]].startswith("the ads differ from the account by 14.000000 in spend")
    assert by_day["reconciliation", "ad_insights", DAYS[1]].startswith("the ads differ from the account by -7.000000 in spend")
    assert ("breakdown_adds_up", "ad_insights_by_country", DAYS[2]) in by_day


def test_with_holding_on_only_the_failed_account_keeps_its_last_good_publication(published: dict[str, str]) -> None:
    assert rows(published["held"], SPEND) == [("1", 42), ("2", 30), ("3", 42)]
    assert rows(published["held"], STATUS) == [("1", False, False), ("2", True, True), ("3", False, False)]


def test_with_holding_off_the_failed_account_is_only_marked(published: dict[str, str]) -> None:
    assert rows(published["marked"], STATUS) == [("1", False, False), ("2", False, True), ("3", False, False)]
    assert dict(rows(published["marked"], SPEND))["2"] == 49  # the raw rows: one day is doubled, one ad is missing


def test_an_account_whose_days_were_read_again_is_released(published: dict[str, str]) -> None:
    assert rows(published["released"], "select * from marts.fct_check_failures") == []
    assert rows(published["released"], SPEND) == [("1", 54), ("2", 54), ("3", 54)]
    assert rows(published["released"], STATUS) == [("1", False, False), ("2", False, False), ("3", False, False)]


