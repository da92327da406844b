"""Reports that are switched on by name, and a configured report, from the request to the mart."""

from __future__ import annotations

from pathlib import Path

from harness.home import Home
from harness.sandbox import Sandbox
from meta_pipeline.extract.ads.catalogue.reports import REPORTS as CATALOGUE
from meta_pipeline.status import coverage

MINE = """
enabled = ["account_reach_month"]

[reports.ad_set_insights_by_age]
level = "adset"
fields = ["account_id", "adset_id", "impressions", "spend"]
breakdowns = ["age"]
enabled = false
"""
REPORTS = ("account_insights", "account_reach_7d", "account_reach_month", "ad_set_insights_by_age")
NODE = ("--node", "act_1000000002", "--since", "2026-11-01", "--until", "2026-11-10")
WINDOWS = """
select reach.grain, count(*) as days, bool_and(reach.impressions = (
    select sum(impressions) from marts.facebook_ads__account_report as total
    where total.account_id = reach.account_id and total.date_day between reach.window_start and reach.date_day
)) as is_equal, bool_and(reach.reach > 0) as is_reached, bool_or(reach.is_complete) as is_complete
from marts.facebook_ads__reach_report as reach where window_start >= '2026-11-01' group by grain order by grain
"""
AGES = """
select (select sum(impressions::bigint) from raw_meta_ads.ad_set_insights_by_age) as parts,
    (select sum(impressions) from marts.facebook_ads__account_report) as total
"""


def test_windows_and_a_configured_report_add_up_to_the_accounts_days(home: Home, sandbox: Sandbox) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    file = home.path / "reports.toml"
    file.write_text(MINE)
    home.environment["META_PIPELINE_REPORTS"] = str(file)
    ran = home.run("backfill", *NODE, *(word for name in REPORTS for word in ("--report", name)))
    assert ran.returncode == 0, ran.stderr

    assert home.sql(WINDOWS) == [
        {"grain": "7 days", "days": 4, "is_equal": True, "is_reached": True, "is_complete": True},
        {"grain": "month", "days": 10, "is_equal": True, "is_reached": True, "is_complete": False},
    ]
    added = home.sql(AGES)[0]
    assert added["parts"] == added["total"]
    # All windows of a report are one request without a report run, since it returns one row per day.
    assert sandbox.control("calls").get("POST /act_{id}/insights", 0) == 1
    listed = home.run("plan", *NODE, "--json").stdout
    assert "account_reach_month" in listed and "account_reach_7d" not in listed and "by_age" not in listed


PRODUCTS = """
select (select sum(impressions) from marts.facebook_ads__product_report) as parts,
    (select sum(impressions) from marts.facebook_ads__account_report) as total,
    (select count(*) from marts.facebook_ads__product_report where product_id = 'unknown') as unknown_rows,
    (select sum(unknown_rows) from marts.fct_report_coverage) as counted
"""


def test_products_without_a_name_are_counted_and_an_empty_gated_report_is_reported(home: Home, sandbox: Sandbox) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    reports = ("account_insights", "ad_insights_by_product", "ad_insights_by_impression_device")
    days = ("--node", "act_1000000002", "--since", "2026-11-01", "--until", "2026-11-03")
    ran = home.run("backfill", *days, *(word for name in reports for word in ("--report", name)))
    assert ran.returncode == 0, ran.stderr

    added = home.sql(PRODUCTS)[0]
    assert added["parts"] == added["total"]
    assert int(added["unknown_rows"]) == int(added["counted"]) > 0
    published = Path(home.environment["META_PIPELINE_HOME"]) / "published" / "warehouse.duckdb"
    warnings = coverage.empty_gates(str(published), CATALOGUE)
    assert len(warnings) == 1 and "impression_device of account 1000000002 is empty on 3 day(s)" in warnings[0]
    assert coverage.drift(str(published)) == []
