"""Complete builds in the worker of `build`: which models run after which change, and what Dagster shows."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from harness.dbt import parsed_project
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.dbt_manifest import parsed_project as parse
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.runs.mart_build import MartWorker, build_marts, mart_worker
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.modelling.selection import select_changed
from meta_pipeline.publish.readers import query as publications
from meta_pipeline.records import Batch
from meta_pipeline.settings import Settings

DAY = dt.date(2026, 11, 2)
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
AD = {"account_currency": "EUR", "clicks": "4", "inline_link_clicks": "3", "spend": "2.5"}
# The stored models that are built from the rows of ads.
OF_ADS = {
    "fct_check_failures", "int_checked_days", "facebook_ads__ad_report_history", "facebook_ads__restatement_report",
    "int_accounts_current", "int_ad_action_days", "int_ad_conversion_days", "int_ad_days", "int_ad_set_days", "int_ad_sets_current", "int_ads_current", "int_campaign_days",
    "int_campaigns_current", "int_reconciled_days", "int_report_days_read",
}


@dataclass
class BuiltHome:
    """A home, and the process that builds in it."""

    runtime: Runtime
    worker: MartWorker
    at: dt.datetime = NOW

    def land(self, impressions: str, report: str = "ad_insights", account: str = "act_1") -> None:
        self.at += dt.timedelta(hours=1)
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=self.at)
        number = account.removeprefix("act_")
        ids = {"account_id": number, "campaign_id": f"C{number}", "adset_id": f"S{number}", "ad_id": f"A{number}"}
        row = json.dumps({**AD, **ids, "impressions": impressions}).encode()
        self.runtime.landing.write_day(
            report, account, DAY, [(row, batch)], request={}, run_id="r", backfill_id="b", now=self.at
        )

    def build(self) -> MartBuild:
        build = build_marts(self.runtime.settings, worker=self.worker)
        assert build.reason is None
        return build

    def ran(self) -> set[str]:
        """Return the nodes that dbt ran last."""
        results = json.loads((self.runtime.settings.root / "dbt" / "target" / "run_results.json").read_text())
        return {result["unique_id"] for result in results["results"]}

    def materialized(self) -> dict[str, str]:
        """Return the assets that the last run materialized, with dbt's status."""
        with instance(self.runtime.settings) as opened:
            (run,) = opened.get_runs(limit=1)
            events = opened.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        shown = (record.event_log_entry.asset_materialization for record in events)
        return {
            each.asset_key.to_user_string(): str(each.metadata["status"].value)
            for each in shown if each and "status" in each.metadata
        }


def write_rates(root: Path, rate: str) -> Path:
    """Write the operator's exchange rates: one rate of the euro, valid from the day before DAY."""
    file = root / "rates.csv"
    file.write_text(f"date,currency,rate\n2026-11-01,EUR,{rate}\n")
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltHome]:
    root = tmp_path_factory.mktemp("home")
    parsed_project.seed(root)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as until_end:
        patch.setenv("META_PIPELINE_HOME", str(root))
        patch.setenv("META_PIPELINE_REPORTING_CURRENCY", "USD")
        patch.setenv("META_PIPELINE_EXCHANGE_RATES", str(write_rates(root, "1.10")))
        runtime = Runtime(Settings())
        built = BuiltHome(runtime, until_end.enter_context(mart_worker(runtime.settings)))
        for account in ("act_1", "act_2"):
            built.land("10", account=account)
            built.land("10", "account_insights", account)
        built.build()
        parsed_project.keep(root)
        yield built


def test_after_one_report_of_one_account_only_the_models_that_it_reaches_run(home: BuiltHome) -> None:
    manifest = parse(home.runtime.settings).read_manifest()
    home.land("11")
    home.build()

    models = {unique_id.rpartition(".")[2] for unique_id in home.ran() if unique_id.startswith("model.")}
    assert models == OF_ADS
    tests = home.ran() - {f"model.meta_pipeline.{name}" for name in models}
    selected = select_changed(manifest, {"ad_insights", "ad_insights_versions", "day_versions"})
    assert len(tests) < 40 and selected.run == home.ran() - _hooks(home)

    shown = home.materialized()
    assert shown["int_ad_days"] == "success" and shown["facebook_ads__ad_report"] == "reads tables that have changed"
    assert "int_account_days" not in shown and "facebook_ads__country_report" not in shown
    query = "select impressions from marts.facebook_ads__ad_report where account_id = '1'"
    with home.runtime.warehouse.open() as connection:
        assert connection.execute(query).fetchall() == [(11,)]


def test_the_first_build_of_a_day_runs_the_tests_of_views_for_all_that_changed_since(home: BuiltHome) -> None:
    tested = "select tested_to from raw_meta_pipeline.model_builds where model = 'facebook_ads__campaign_report'"
    home.land("12")
    home.build()
    assert not _tests_of(home, "facebook_ads__campaign_report")
    with home.runtime.warehouse.open() as connection:
        assert ("ad_insights",) in connection.execute("from raw_meta_pipeline.untested_reports").fetchall()
        before = connection.execute(tested).fetchall()
        connection.execute("update raw_meta_pipeline.mart_builds set built_on = built_on - 1")

    home.land("11", "account_insights", "act_2")
    home.build()
    assert _tests_of(home, "facebook_ads__campaign_report") and _tests_of(home, "int_account_days")
    assert not _tests_of(home, "int_ad_days")  # it has the same rows that the last build tested
    with home.runtime.warehouse.open() as connection:
        assert connection.execute("from raw_meta_pipeline.untested_reports").fetchall() == []
        assert connection.execute(tested).fetchall() > before


def test_a_changed_exchange_rate_is_published_without_a_model_being_run(home: BuiltHome) -> None:
    query = "select distinct reporting_currency, spend_in_reporting_currency from marts.facebook_ads__ad_report"
    published = home.runtime.settings.published_file
    assert publications.query(published, query)[1] == [("USD", Decimal("2.75"))]
    write_rates(home.runtime.settings.root, "1.2")
    home.build()

    assert not {unique_id for unique_id in home.ran() if unique_id.startswith("model.")}
    assert publications.query(published, query)[1] == [("USD", Decimal("3"))]


def test_without_a_change_nothing_is_run(home: BuiltHome) -> None:
    results = home.runtime.settings.root / "dbt" / "target" / "run_results.json"
    before = results.read_bytes()

    assert (home.build().note or "").startswith("nothing has landed or changed")
    Path(home.runtime.settings.published_file).unlink()  # publishing again is no reason to build
    home.build()
    assert results.read_bytes() == before
    assert home.materialized() == {}


def _tests_of(home: BuiltHome, model: str) -> set[str]:
    return {unique_id for unique_id in home.ran() if unique_id.startswith(f"test.meta_pipeline.primary_key_{model}_")}


def _hooks(home: BuiltHome) -> set[str]:
    return {unique_id for unique_id in home.ran() if unique_id.startswith("operation.")}
