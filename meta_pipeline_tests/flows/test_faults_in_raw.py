"""Faults in the raw rows of four accounts, from the sandbox's calls to the published file: each is named. A fault that
a load can't repair holds back its account, and the new figures of all other accounts are published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from harness.home import Home
from harness.kills.backfilled_week import connect
from harness.sandbox import Sandbox

DAY, LATER_DAYS = "2026-11-12", ("--since", "2026-11-13", "--until", "2026-11-15")
REPORTS = ("ad_insights", "account_insights", "page_insights", "page_posts", "instagram_insights", "instagram_media")
BACKFILL = ("backfill", "--since", DAY, "--until", "2026-11-15", *(f"--report={name}" for name in REPORTS))
HERE = f"where node_id = 'act_{{account}}' and day = '{DAY}'"
ONE_AD = f"{HERE} and ad_id = (select min(ad_id) from raw_meta_ads.ad_insights {HERE})"
# By account: a doubled partition and a missing ad, which the next load repairs, and a wrong currency and a lossy value,
# with the check that names each.
REPAIRED = {
    "1000000001": f"insert into raw_meta_ads.ad_insights from raw_meta_ads.ad_insights {HERE}",
    "1000000002": f"delete from raw_meta_ads.ad_insights {ONE_AD}",
}
HELD = {
    "1000000003": (f"update raw_meta_ads.ad_insights set account_currency = 'XTS' {HERE}", "currency"),
    "1000000004": (f"update raw_meta_ads.ad_insights set spend = spend || '.00000049' {ONE_AD}", "lost_value"),
}
SPEND = (
    "select account_id, sum(spend) as spend from marts.facebook_ads__account_report "
    f"where date_day > '{DAY}' group by all")
FAILURES = (
    "select account_id, check_name, report, date_day::varchar as day from marts.fct_check_failures "
    "where severity = 'error'")


@dataclass(frozen=True)
class Published:
    """The published spend of each account on the later days, and the output of the command that published it."""

    spend: dict[str, Decimal]
    output: str


def published_by(home: Home, *command: str) -> Published:
    ran = home.run(*command)
    assert ran.returncode == 0, ran.stderr
    return Published({row["account_id"]: Decimal(row["spend"]) for row in home.sql(SPEND)}, ran.stdout + ran.stderr)


def inject(home: Home) -> None:
    """Write the faults into the raw tables, and log the changes as a load does."""
    statements = REPAIRED | {account: statement for account, (statement, _) in HELD.items()}
    with duckdb.connect(f"{home.environment['META_PIPELINE_HOME']}/warehouse.duckdb") as connection:
        connection.execute("update raw_meta_pipeline.warehouse_state set loads = loads + 1")
        for account, statement in statements.items():
            connection.execute(statement.format(account=account))
            connection.execute(
                "insert into raw_meta_pipeline.changes select 'ad_insights', ?, ?, loads "
                "from raw_meta_pipeline.warehouse_state", [f"act_{account}", dt.date.fromisoformat(DAY)])


def test_each_fault_is_named_and_only_its_own_account_is_held_back(home: Home, sandbox: Sandbox) -> None:
    home.environment["META_PIPELINE_HOLD_FAILED_ACCOUNTS"] = "true"
    connect(home)
    before = published_by(home, *BACKFILL)
    assert home.sql(FAILURES) == [] and "repaired" not in before.output
    inject(home)
    sandbox.control("clock", {"now": "2026-11-24T12:00:00+00:00"})  # figures have grown
    after = published_by(home, "backfill", *LATER_DAYS, *(f"--report={name}" for name in REPORTS[:2]), "--fresh")

    for account in REPAIRED:
        assert f"repaired: ad_insights of act_{account} on {DAY} had " in after.output
    assert {(row["account_id"], row["check_name"], row["report"], row["day"]) for row in home.sql(FAILURES)} == {
        (account, check, "ad_insights", DAY) for account, (_, check) in HELD.items()}
    status = {row["account_id"]: row["is_held_back"] for row in home.sql("select * from marts.account_status")}
    assert {account for account, is_held_back in status.items() if is_held_back} == set(HELD)
    grown = {account: after.spend[account] > spend for account, spend in before.spend.items()}
    assert {account for account, has_grown in grown.items() if not has_grown} == set(HELD) and len(grown) > 4
    assert [after.spend[account] for account in HELD] == [before.spend[account] for account in HELD]
