"""Incompletely added items: each test names the files in which something is missing (CONTRIBUTING.md, Recipes)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from meta_pipeline.alerts import targets
from meta_pipeline.consent.scopes import SCOPES
from meta_pipeline.defs import calendar
from meta_pipeline.defs.assets.landing import STEPS
from meta_pipeline.defs.jobs import PULLS
from meta_pipeline.extract.ads.catalogue.reports import REPORTS, Report
from meta_pipeline.extract.catalogue import all_reports
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.reports import NodeReport, kind_of
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.node_kinds import NODE_KINDS, NodeKind
from meta_pipeline.sandbox.ads.insights.breakdowns import COMBINATIONS, VALUES
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.instagram.account_metrics import ACCOUNT_METRICS
from meta_pipeline.sandbox.instagram.media_values import MEDIA_METRICS
from meta_pipeline.sandbox.pages.catalogue import PAGE_METRICS, POST_METRICS
from meta_pipeline.status import wording

TOP = Path(__file__).parent.parent
DBT = TOP / "dbt_project"
STAGING, MARTS = DBT / "models/staging/meta_ads", DBT / "models/marts/ads"
BREAKDOWN = "ad_insights_by_"
README = (TOP / "README.md").read_text()
CHECKS = (DBT / "macros/checks/checks.sql").read_text()
# The columns of the marts of Pages and Instagram.
SOCIAL_SQL = "".join(
    file.read_text()
    for file in (
        *DBT.glob("macros/social/social_metrics.sql"), *DBT.glob("macros/social/metric_values.sql"),
        *(file for source in ("pages", "instagram") for file in DBT.glob(f"models/*/{source}/*.sql")),
    )
)


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _models(file: Path) -> dict[str, dict[str, Any]]:
    return {model["name"]: model for model in _yaml(file)["models"]}


def _assert_nothing(lacking: Collection[str]) -> None:
    """Fail with everything that is missing, one item a line, because pytest truncates a list."""
    assert not lacking, "\n" + "\n".join(lacking)


def missing_of_breakdown(report: Report) -> list[str]:
    """Return what a report by breakdown lacks between extraction and mart."""
    name = report.name.removeprefix(BREAKDOWN)
    staging, mart = f"stg_meta_ads__{report.name}", f"facebook_ads__{name}_report"
    variables = _yaml(DBT / "dbt_project.yml")["vars"]
    sources = {table["name"] for source in _yaml(STAGING / "_sources.yml")["sources"] for table in source["tables"]}
    marts = _models(MARTS / "_marts.yml")
    columns = {column["name"] for column in marts.get(mart, {}).get("columns", [])}
    add_up = name in variables["breakdowns_that_add_up"]
    checks = {
        f"staging/meta_ads/_sources.yml: a table {report.name}": report.name in sources,
        f"staging/meta_ads/{staging}.sql": (STAGING / f"{staging}.sql").exists(),
        f"staging/meta_ads/_staging.yml: {staging} with its grain": staging in _models(STAGING / "_staging.yml"),
        f"marts/ads/{mart}.sql": (MARTS / f"{mart}.sql").exists(),
        f"marts/ads/_marts.yml: {mart}": mart in marts,
        f"marts/ads/_marts.yml: a column of {mart} for every breakdown": bool(columns),
        "dbt_project.yml: breakdown_reports": name in variables["breakdown_reports"],
        "dbt_project.yml: breakdowns_that_add_up (only products don't)": add_up or "product_id" in report.breakdowns,
        "sandbox/ads/insights/breakdowns.py: VALUES": set(report.breakdowns) <= set(VALUES),
        "sandbox/ads/insights/breakdowns.py: COMBINATIONS": frozenset(report.breakdowns) in COMBINATIONS,
        f"README.md: {name} in the row of breakdown marts": bool(
            re.search(rf"facebook_ads__\{{[\w,]*\b{name}\b[\w,]*\}}_report", README)
        ),
    }
    return [what for what, is_there in checks.items() if not is_there]


@pytest.mark.parametrize("name", [name for name in REPORTS if name.startswith(BREAKDOWN)])
def test_a_breakdown_has_everything_up_to_its_mart(name: str) -> None:
    _assert_nothing(missing_of_breakdown(REPORTS[name]))


def test_a_breakdown_that_has_only_its_report_lacks_the_rest() -> None:
    half_added = dataclasses.replace(REPORTS["ad_insights_by_country"], name="ad_insights_by_invented")

    lacking = "\n".join(missing_of_breakdown(half_added))
    files = ("_sources.yml", "invented.sql", "_staging.yml", "invented_report.sql", "_marts.yml", "dbt_project.yml", "README.md")
    assert [file for file in files if file not in lacking] == []


def test_a_breakdown_of_dbt_is_a_report() -> None:
    named = _yaml(DBT / "dbt_project.yml")["vars"]["breakdown_reports"]

    assert [name for name in named if f"{BREAKDOWN}{name}" not in REPORTS] == []


def missing_of_node_report(report: NodeReport) -> list[str]:
    """Return what a report of Pages or Instagram accounts lacks between extraction and mart."""
    source = report.node_kind.source
    folder, staging = DBT / "models/staging" / source, f"stg_{source}__{report.name}"
    texts = {file: file.read_text() for file in (DBT / "models").rglob("*.sql") if file.stem != staging}
    properties = _yaml(folder / f"_{source}.yml")
    raw = {f"{each['name']}.{table['name']}" for each in properties["sources"] for table in each["tables"]}
    checks = {
        f"staging/{source}/_{source}.yml: a table {report.name}": f"{report.node_kind.raw_schema}.{report.name}" in raw,
        f"staging/{source}/{staging}.sql": (folder / f"{staging}.sql").exists(),
        f"staging/{source}/_{source}.yml: {staging} with its grain": staging in _models(folder / f"_{source}.yml"),
        f"a model that reads {staging}": any(f"ref('{staging}')" in text for text in texts.values()),
        f"macros/checks/checks.sql: {report.name}": f"'{report.name}':" in CHECKS,
    }
    return [what for what, is_there in checks.items() if not is_there]


@pytest.mark.parametrize("name", [*PAGE_REPORTS, *INSTAGRAM_REPORTS])
def test_a_report_of_pages_or_instagram_has_everything_up_to_its_mart(name: str) -> None:
    _assert_nothing(missing_of_node_report({**PAGE_REPORTS, **INSTAGRAM_REPORTS}[name]))


def test_a_report_of_pages_that_has_only_its_name_lacks_the_rest() -> None:
    assert len(missing_of_node_report(dataclasses.replace(PAGE_REPORTS["page_posts"], name="page_reviews"))) == 5


# By kind of object: the file of the sandbox's metrics, and the periods of each.
SANDBOX_METRICS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "page": ("pages/catalogue.py", {name: metric.periods for name, metric in PAGE_METRICS.items()}),
    "post": ("pages/catalogue.py", {name: metric.periods for name, metric in POST_METRICS.items()}),
    "instagram_account": (
        "instagram/account_metrics.py", {name: (metric.period,) for name, metric in ACCOUNT_METRICS.items()}
    ),
    "media": (
        "instagram/media_values.py",
        {name: ("lifetime",) for name, metric in MEDIA_METRICS.items() if set(metric.kinds) - {"STORY"}},
    ),
    "story": (
        "instagram/media_values.py",
        {name: ("lifetime",) for name, metric in MEDIA_METRICS.items() if "STORY" in metric.kinds},
    ),
}


def missing_of_metric(metric: Metric) -> list[str]:
    """Return what a metric that has not ended lacks."""
    facts = (TOP / "docs" / "graph-api.md").read_text()
    file, periods = SANDBOX_METRICS[metric.object]
    section = metric.source.removeprefix("docs/graph-api.md §")
    # The metrics of demographics are values of a column.
    has_column = metric.report == "instagram_demographics" or f"'{metric.name}'" in SOCIAL_SQL
    checks = {
        "its source: a section of docs/graph-api.md": f"### {section} " in facts,
        "a requested period": bool(metric.default_periods),
        f"sandbox/{file}: {metric.name} with its periods": set(metric.periods) <= set(periods.get(metric.name, ())),
        "dbt_project/macros/social/social_metrics.sql: a column, if it is read by default": has_column or not metric.is_default,
    }
    return [what for what, is_there in checks.items() if not is_there]


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.valid_to is None], ids=lambda m: f"{m.object}-{m.name}")
def test_a_metric_has_everything_up_to_its_mart(metric: Metric) -> None:
    _assert_nothing(missing_of_metric(metric))


def test_a_metric_that_has_only_its_name_lacks_the_rest() -> None:
    half_added = dataclasses.replace(METRICS["page_media_view", "page"], name="page_new", source="", default_periods=())

    assert len(missing_of_metric(half_added)) == 4


def test_a_scope_has_its_call_and_is_granted_by_the_sandbox() -> None:
    needed = {scope for kind in CallKind for scope in (*kind.value.scopes, *kind.value.all_scopes)}
    needed |= {scope for kind in WriteKind for scope in kind.value.scopes}
    features = {kind.value.feature for kind in (*CallKind, *WriteKind)}
    lacking = [
        f"{scope.name}: {where}"
        for scope in SCOPES
        for where, is_there in (
            ("graph/calls.py or writes.py: a kind of call that needs it", scope.name in needed),
            ("graph/calls.py or writes.py: a kind of call with its feature", set(scope.features) <= features),
            ("sandbox/identity/scopes.py", bool(scope.features) or scope.name in ALL_SCOPES),
        )
        if not is_there
    ]

    _assert_nothing(lacking)


def test_an_alert_target_is_created_by_the_runtime() -> None:
    classes = {
        name for name, value in vars(targets).items()
        if isinstance(value, type) and value.__module__ == targets.__name__ and hasattr(value, "deliver")
    } - {"Target"}
    configuration = (TOP / "meta_pipeline" / "configuration.py").read_text()
    tests = (TOP / "meta_pipeline_tests" / "alerts" / "test_targets.py").read_text()

    assert classes
    _assert_nothing([f"configuration.py: {name} in alert_targets" for name in sorted(classes) if f"{name}(" not in configuration])
    # Each is tested with an address that can't be used, and one that must not be in the error.
    _assert_nothing([
        f"alerts/test_targets.py: {name} {what}"
        for name in sorted(classes - {"Log"})
        for what, count in (("with an unusable address", 1), ("whose address is in no error", 2))
        if tests.count(f"{name}(") < count
    ])


def missing_of_kind(kind: NodeKind) -> list[str]:
    """Return what a kind of node lacks between its links and the schedules that pull it."""
    definitions = (TOP / "meta_pipeline/definitions.py").read_text()
    limits = _yaml(TOP / "dagster.yaml")["concurrency"]["runs"]["tag_concurrency_limits"]
    checks = {
        "extract/: a report": any(kind_of(report) == kind for report in all_reports(REPORTS).values()),
        "defs/assets/landing.py: STEPS": kind.name in STEPS,
        "defs/calendar.py: PULLS": kind.name in calendar.PULLS,
        f"defs/jobs.py: {kind.job} in PULLS": kind.job in {job.name for job in PULLS},
        f"definitions.py: {kind.job}": f" {kind.job}," in definitions,
        f"definitions.py: {kind.job}_schedule": f" {kind.job}_schedule," in definitions,
        f"dagster.yaml: meta/{kind.name}": f"meta/{kind.name}" in {limit["key"] for limit in limits},
        "status/wording.py: KINDS": wording.KINDS.get(kind.name) == kind.noun,
        "consent/scopes.py: a scope that its discovery needs": any(kind.name in scope.kinds for scope in SCOPES),
    }
    return [what for what, is_there in checks.items() if not is_there]


@pytest.mark.parametrize("kind", NODE_KINDS, ids=lambda kind: str(kind.name))
def test_a_kind_of_node_has_everything_up_to_its_schedule(kind: NodeKind) -> None:
    _assert_nothing(missing_of_kind(kind))


def test_a_kind_that_has_only_its_name_lacks_the_rest() -> None:
    assert len(missing_of_kind(dataclasses.replace(NODE_KINDS[0], name="whatsapp_number", job="pull_whatsapp"))) == 9
