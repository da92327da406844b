"""Questions use the metrics that the dbt project defines, and columns that its marts have."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from meta_pipeline.ask.measured import LEVELS, REACH, REPORTS
from meta_pipeline.ask.metrics import load_metrics
from meta_pipeline.ask.origin import ORIGINS
from meta_pipeline.project import dbt_project_folder

MODELS = dbt_project_folder() / "models"
GRAINS = {"day": "day", "7d": "7 days", "28d": "28 days", "month": "month"}


def reach_of_metricflow() -> dict[tuple[str, str], tuple[str, str]]:
    """Return the mart and the expression of each measure of reach, by level and grain."""
    measures = {}
    for model in yaml.safe_load((MODELS / "semantic" / "reach.yml").read_text())["semantic_models"]:
        for measure in model["measures"]:
            level, _, window = measure["name"].partition("_reach_")
            if measure["agg"] == "sum":
                measures[level, GRAINS[window]] = (model["model"].removeprefix("ref('").removesuffix("')"), measure["expr"])
    return measures


def test_reach_is_read_from_the_marts_of_metricflow_and_by_day_for_ad_sets_and_ads() -> None:
    expected = reach_of_metricflow()

    assert set(REACH) == {*expected, ("ad_set", "day"), ("ad", "day")}
    for key, (mart, expression) in expected.items():
        assert REACH[key].mart == mart
        if REACH[key].condition != "true":
            assert expression == f"case when {REACH[key].condition} then reach end"


def columns() -> dict[str, set[str]]:
    documents = [yaml.safe_load(path.read_text()) for path in (MODELS / "marts").rglob("_*.yml")]
    models: list[dict[str, Any]] = [model for document in documents for model in document.get("models", [])]
    return {model["name"]: {column["name"] for column in model["columns"]} for model in models}


def test_every_column_that_questions_use_is_in_the_marts() -> None:
    marts = columns()

    assert {window.mart for window in REACH.values()} | set(REPORTS) | set(ORIGINS) <= set(marts)
    for level, (id, name) in LEVELS.items():
        assert {id, name} <= marts[f"facebook_ads__{level}_report"]
    for metric in load_metrics().values():
        assert metric.columns <= marts["facebook_ads__ad_report"]
    for mart, origin in ORIGINS.items():
        assert origin.account_column in marts[mart]


# Their figures come from several requests or from none.
WITHOUT_REQUEST = {f"facebook_ads__{name}_report" for name in ("creative", "restatement", "maturity", "weekly", "monthly")}


def test_a_figure_of_every_report_of_ads_can_be_explained() -> None:
    reports = {name for name in columns() if name.startswith("facebook_ads__") and name.endswith("_report")}

    assert reports - WITHOUT_REQUEST == {name for name in ORIGINS if name.startswith("facebook_ads__")} | {
        "facebook_ads__reach_report"}


@pytest.mark.parametrize("name", ["spend", "impressions", "clicks_all", "link_clicks", "conversions", "conversions_value",
                                  "ctr", "cpc", "cpm", "cpa", "roas", "spend_in_reporting_currency"])
def test_every_metric_is_defined(name: str) -> None:
    assert load_metrics()[name].description
