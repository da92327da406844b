"""Rules like those of dbt-project-evaluator, checked in the manifest: prefixes, layers, grains."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.dbt import parsed_project
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

# Prefixes of marts by folder, as Fivetran's packages have them.
MARTS = {"ads": ("facebook_ads__", "dim_"), "pages": ("facebook_pages__", "dim_"), "instagram": ("instagram_business__",),
         "social": ("social__",), "ops": ("fct_", "account_status"), "shared": ("dim_",), "leads": ("leads__",),
         "conversations": ("conversations__",),
         "ad_reporting": ("ad_reporting__",)}
PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "fivetran": ("",)}
LAYERS = {"staging": {"source"}, "intermediate": {"staging", "intermediate"}, "marts": {"staging", "intermediate", "marts"},
          "fivetran": {"staging", "intermediate", "marts"}}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(parsed_project.manifest_file().read_text())
    return manifest


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def macro_texts(manifest: dict[str, Any]) -> dict[str, str]:
    project = manifest["metadata"]["project_name"]
    return {macro["name"]: macro["macro_sql"] for macro in manifest["macros"].values() if macro["package_name"] == project}


def layer(node: dict[str, Any]) -> str:
    return "source" if node["resource_type"] in ("source", "seed") else node["fqn"][1]


def test_a_model_has_its_folders_prefix_and_a_description(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        prefixes = MARTS[model["fqn"][2]] if layer(model) == "marts" else PREFIXES[layer(model)]
        assert model["name"].startswith(prefixes), model["name"]
        assert model["description"], model["name"]


def test_a_model_reads_only_the_layers_below_it(manifest: dict[str, Any]) -> None:
    every = {**manifest["nodes"], **manifest["sources"]}
    for model in models(manifest):
        for name in model["depends_on"]["nodes"]:
            assert layer(every[name]) in LAYERS[layer(model)], f"{model['name']} reads {name}"


def test_every_model_tests_its_grain_and_every_mart_has_an_enforced_contract(manifest: dict[str, Any]) -> None:
    tested = {
        name
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") in ("primary_key", "unique_grain")
        for name in node["depends_on"]["nodes"]
    }
    for model in models(manifest):
        assert model["unique_id"] in tested, f"{model['name']} has no test of its grain"
        if layer(model) == "marts":
            assert model["config"]["contract"]["enforced"], model["name"]


# Columns of a grain that have no value in some rows: an account has no campaign, the app's own calls have no account or
# report, a combination has only some of the dimensions, a day that was read after its end has no hour of the read.
# `primary_key` itself tests that no column is null.
MAY_BE_NULL = {*((f"facebook_ads__{name}_report", "campaign_id") for name in ("reach", "weekly", "monthly")),
               ("fct_graph_calls_daily", "account_id"), ("leads__form_report", "currency"),
               ("fct_graph_calls_daily", "report"), ("facebook_ads__maturity_report", "read_hour"),
               *(("instagram_business__demographics", name) for name in ("timeframe", "age", "gender", "country", "city"))}


def test_no_column_of_a_marts_grain_is_null(manifest: dict[str, Any]) -> None:
    every = manifest["nodes"]
    tests = [node for node in every.values() if node.get("test_metadata")]
    filled = {
        (test["attached_node"], column) for test in tests for column in test["test_metadata"]["kwargs"].get("not_null", ())
    }
    for test in tests:
        model = every.get(test["attached_node"] or "", {"fqn": ["", ""]})
        if test["test_metadata"]["name"] == "unique_grain" and model["fqn"][1] == "marts":
            for column in test["test_metadata"]["kwargs"]["columns"]:
                is_free = (model["name"], column) in MAY_BE_NULL
                assert is_free or (test["attached_node"], column) in filled, f"{model['name']}.{column}"


RATES = {"ctr", "link_ctr", "cpc", "link_cpc", "cpm", "cpp", "frequency", "roas", "cpa"}
# The columns that rates are divided by: readers add up both sums and compute the rate again.
DENOMINATORS = {"impressions", "clicks_all", "link_clicks", "spend"}
# Earlier figures and estimates, not reports of the current figures.
WITHOUT_RATES = {"facebook_ads__ad_report_history", "facebook_ads__restatement_report", "facebook_ads__settled_estimates"}
# Marts with a reach that Meta measured: by level, and by window of days.
REACHES = {f"facebook_ads__{name}_report" for name in ("account", "campaign", "ad_set", "ad", "reach", "weekly", "monthly")}
REACHES |= {f"instagram_business__{name}" for name in ("accounts_report", "posts", "posts_history", "stories")}


def test_every_report_of_delivery_has_rates_with_the_sums_that_they_come_from_and_reach_only_where_it_was_measured(
    manifest: dict[str, Any],
) -> None:
    for model in models(manifest):
        if layer(model) == "marts":
            columns = set(model["columns"])
            has_reach, is_report = "reach" in columns, model["name"].startswith("facebook_ads__") and columns >= DENOMINATORS
            of_reach, of_conversions = {"frequency", "cpp"}, {"roas", "cpa"}
            expected = RATES - (set() if has_reach else of_reach) - (set() if "conversions" in columns else of_conversions)

            assert not has_reach or model["name"] in REACHES, model["name"]
            if is_report and model["name"] not in WITHOUT_RATES:
                assert columns & RATES == expected, model["name"]
            elif model["name"] != "facebook_ads__reach_report":
                assert not columns & RATES, model["name"]


def test_a_rate_is_never_averaged_or_added_up(manifest: dict[str, Any]) -> None:
    rates = "|".join(sorted(RATES | {"cost_per_\\w+"}))
    texts = {model["name"]: model["raw_code"] for model in models(manifest)} | macro_texts(manifest)
    for name, text in texts.items():
        assert not re.search(rf"\b(sum|avg|mean|median)\(\s*(\w+\.)?({rates})\b", text), name


def test_every_report_of_ads_has_the_names_and_the_state_of_its_levels(manifest: dict[str, Any]) -> None:
    wanted = {
        "account": {"account_name"},
        "campaign": {"campaign_name", "campaign_status", "objective", "campaign_daily_budget", "campaign_lifetime_budget",
                     "campaign_start_at", "campaign_end_at"},
        "ad_set": {"ad_set_name", "ad_set_status", "optimization_goal", "ad_set_daily_budget", "ad_set_lifetime_budget",
                   "ad_set_start_at", "ad_set_end_at"},
        "ad": {"ad_name", "ad_status"},
    }
    for model in models(manifest):
        if layer(model) == "marts" and model["name"].startswith("facebook_ads__") and model["name"] not in WITHOUT_RATES:
            for level, columns in wanted.items():
                if f"{level}_id" in model["columns"] and "is_provisional" in model["columns"]:
                    assert columns <= set(model["columns"]), f"{model['name']} lacks {columns - set(model['columns'])}"


def test_no_model_and_no_macro_adds_up_reach(manifest: dict[str, Any]) -> None:
    texts = {model["name"]: model["raw_code"] for model in models(manifest)} | macro_texts(manifest)

    assert "level_report" in texts
    for name, text in texts.items():
        assert not re.search(r"\b(sum|avg|min|max)\(\s*(\w+\.)?(reach|frequency)\b", text), name


def test_every_insights_mart_says_whether_a_day_is_provisional_and_describes_its_grain(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        if layer(model) == "marts" and model["name"].startswith("facebook_ads__"):
            is_of_now = not model["name"].endswith(("history", "restatement_report", "maturity_report", "reconciliation"))
            assert ("is_provisional" in model["columns"]) == is_of_now, model["name"]
            assert "one row per" in model["description"], model["name"]


def test_every_source_is_a_table_that_the_warehouse_creates(manifest: dict[str, Any], tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(open_store(f"sqlite:///{tmp_path / 'control.sqlite'}"), now=dt.datetime.now(dt.UTC))
    with warehouse.open() as connection:
        created = set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())
    sources = {(source["source_name"], source["name"]) for source in manifest["sources"].values()}

    assert sources <= created
    assert {name for schema, name in sources if schema == "raw_meta_ads"} >= set(REPORTS)
    for report in (*PAGE_REPORTS.values(), *INSTAGRAM_REPORTS.values()):
        assert (report.node_kind.raw_schema, report.name) in sources


def test_a_test_that_one_accounts_rows_can_fail_stops_no_other_account(manifest: dict[str, Any]) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error":
            assert set(node["depends_on"]["nodes"]) <= {
                "seed.meta_pipeline.currency_offsets", "model.meta_pipeline.dim_calendar"
            }, node["name"]
