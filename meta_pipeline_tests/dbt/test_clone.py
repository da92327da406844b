"""The tools that dbt users run in a clone: build, unit tests, freshness, documentation, rules, metrics."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page

from harness.dbt.dbt_clone import DbtClone, make_clone
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.publish.readers.documentation import documentation
from meta_pipeline.settings import Settings
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.dbt.test_marts import AD, DAY, LATER, Landed, everything


def more_days(land: Landed) -> None:
    """Land three weeks of two accounts in two currencies."""
    for account, currency in (("1", "NZD"), ("2", "USD")):
        for number in range(1, 21):
            row = {**AD, "account_id": account, "account_currency": currency, "spend": f"{number}.25", "clicks": f"{number}",
                   "ad_id": f"{account}-{number % 3}"}
            land("ad_insights", row, day=DAY + dt.timedelta(days=number), account=account)
            land("account_insights", {**row, "reach": "7"}, day=DAY + dt.timedelta(days=number), account=account)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> DbtClone:
    """Return a clone whose home has published a warehouse with raw rows, and in which `dbt build` has run once."""
    path = tmp_path_factory.mktemp("clone")
    land = Landed(path)
    everything(land)
    more_days(land)
    warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(land.engine, now=LATER)
    with warehouse.open() as connection:
        connection.execute("insert into raw_meta_pipeline.nodes (node_id, kind, timezone) values ('act_1', 'ad_account', 'Pacific/Auckland')")
    clone = make_clone(path)
    clone.published.parent.mkdir(parents=True)
    shutil.copyfile(warehouse.file, clone.published)
    published = digest(clone.published)

    built = clone.run("dbt", "build")

    assert built.returncode == 0, built.stdout[-3000:]
    assert digest(clone.published) == published, "dbt wrote to the published file"
    shutil.copyfile(clone.project / "target" / "run_results.json", clone.project / "built.json")
    return clone


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"set timezone = 'UTC'; {sql}").fetchall()


def results(clone: DbtClone) -> Counter[tuple[str, str]]:
    """Return how many nodes of each kind of the build had each result."""
    run = json.loads((clone.project / "built.json").read_text())
    return Counter((result["unique_id"].partition(".")[0], result["status"]) for result in run["results"])


def test_the_build_runs_the_unit_tests_that_the_pipeline_does_not_run(clone: DbtClone) -> None:
    ran = results(clone)

    assert ran["unit_test", "pass"] == sum(status for (kind, _), status in ran.items() if kind == "unit_test") >= 5
    listed = clone.run("dbt", "ls", "--quiet", "--resource-type", "unit_test", "--target", "warehouse")
    assert listed.stdout.strip() in ("", "No nodes selected!")


def test_every_mart_and_every_column_has_a_comment_in_the_file(clone: DbtClone) -> None:
    delivered = "schema_name in ('marts', 'facebook_ads')"
    places = rows(clone.copy, f"""
        select schema_name, table_name, '', comment from duckdb_tables() where {delivered}
        union all select schema_name, view_name, '', comment from duckdb_views() where {delivered}
        union all select schema_name, table_name, column_name, comment from duckdb_columns() where {delivered}""")

    assert len(places) > 500
    assert sorted(".".join(place) for *place, comment in places if not comment) == []


def test_the_lag_of_a_source_is_that_of_its_slowest_node_on_its_own_calendar(clone: DbtClone) -> None:
    clone.run("dbt", "source", "freshness")
    sources = json.loads((clone.project / "target" / "sources.json").read_text())["results"]
    loaded = {source["unique_id"].rpartition(".")[2]: source["max_loaded_at"] for source in sources if "max_loaded_at" in source}

    # The last day of the account in Auckland that had ended when it was read, 2026-11-24, ended at 11:00 in UTC.
    assert dt.datetime.fromisoformat(loaded["ad_insights"]) == dt.datetime(2026, 11, 24, 11, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def documented(clone: DbtClone) -> Path:
    """Return the clone's documentation, as `meta-pipeline docs` writes it when its models are published."""
    home = clone.path / "documented"
    (home / "published").mkdir(parents=True)
    shutil.copyfile(clone.copy, home / "published" / "warehouse.duckdb")
    return documentation(Settings(_env_file=None, home=home))


def test_the_documentation_opens_without_a_network(documented: Path, page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    address = f"{documented.as_uri()}#!/model/model.meta_pipeline.facebook_ads__ad_report"

    page.goto(address)
    page.get_by_text("Money spent on the day, in", exact=False).first.wait_for(timeout=60_000)

    assert [url for url in requests if not url.startswith(documented.as_uri())] == []
    assert str(documented.parent) not in documented.read_text()


def test_the_documentation_is_written_once_for_a_project(documented: Path) -> None:
    before = documented.stat().st_mtime_ns

    assert documentation(Settings(_env_file=None, home=documented.parents[2])).stat().st_mtime_ns == before


def test_the_project_follows_every_rule_of_dbt_bouncer(clone: DbtClone, documented: Path) -> None:
    for name in ("manifest.json", "catalog.json"):
        shutil.copyfile(documented.with_name(name), clone.project / "target" / name)

    ran = clone.run(
        "dbt-bouncer", "run", "--config-file", "dbt-bouncer.yml", "--output-file", "rules.json", "--output-format", "json",
    )

    checked = json.loads((clone.project / "rules.json").read_text())
    assert [check for check in checked if check["outcome"] != "success"] == []
    assert (ran.returncode, len(checked) > 3000) == (0, True), ran.stdout[-2000:]


def test_every_rule_of_dbt_bouncer_is_on_or_has_a_reason_to_be_off(clone: DbtClone) -> None:
    listed = json.loads(clone.run("dbt-bouncer", "list", "--output-format", "json").stdout)
    names = {re.sub(r"(?<!^)(?=[A-Z])", "_", check["name"]).lower() for checks in listed.values() for check in checks}
    text = (clone.project / "dbt-bouncer.yml").read_text()
    on, off = set(re.findall(r"\{name: (\w+)", text)), set(re.findall(r"# off: (\w+): \S", text))

    assert on | off == names
    assert on & off == set()


def test_metrics_are_valid_and_equal_sql_on_the_marts(clone: DbtClone, tmp_path: Path) -> None:
    valid = clone.run("mf", "validate-configs")
    assert valid.returncode == 0, valid.stdout[-3000:]

    with duckdb.connect(str(clone.copy)) as connection:  # the clone's ads have no conversions
        connection.execute("update intermediate.int_ad_days set conversions = impressions // 3, conversions_value = 7.25 * clicks_all")
    output = tmp_path / "metrics.csv"
    ran = clone.run(
        "mf", "query", "--saved-query", "ads_by_week_and_account", "--csv", str(output), "--decimals", "6",
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    with output.open() as file:
        metrics = {(row["metric_time__week"][:10], row["account"]): row for row in csv.DictReader(file)}
    expected = rows(clone.copy, """
        select date_trunc('week', date_day)::varchar, account_id, sum(spend), sum(impressions), sum(clicks_all), sum(link_clicks),
            sum(conversions), sum(conversions_value), 100 * sum(clicks_all) / sum(impressions), sum(spend) / sum(clicks_all),
            1000 * sum(spend) / sum(impressions), sum(spend) / nullif(sum(conversions), 0), sum(conversions_value) / sum(spend)
        from marts.facebook_ads__ad_report group by all""")

    assert len(metrics) == len(expected) >= 6
    for week, account, *values in expected:
        row = metrics[week[:10], account]
        names = ("spend", "impressions", "clicks_all", "link_clicks", "conversions", "conversions_value", "ctr", "cpc", "cpm", "cpa",
                 "roas")
        for name, value in zip(names, values, strict=True):
            assert value is None if row[name] in ("", "NULL", "nan", "None") else float(row[name]) == pytest.approx(
                float(value), abs=1e-6), (week, account, name)
    assert any(values[-1] for _, _, *values in expected) and any(values[-2] for _, _, *values in expected)


@pytest.mark.parametrize(("metric", "group", "reason"), [
    ("roas", "metric_time__week", "several currencies: group by"),
    ("account_reach_day", "metric_time__week,account", "reach does not add up: group by account and metric_time__day"),
])
def test_a_metric_that_does_not_add_up_is_an_error(clone: DbtClone, metric: str, group: str, reason: str) -> None:
    ran = clone.run("mf", "query", "--metrics", metric, "--group-by", group)

    assert ran.returncode != 0
    assert reason in " ".join((ran.stdout + ran.stderr).split())
