"""A build runs only the stored models that a change reaches and the tests of rows that may have changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from meta_pipeline.modelling.selection import select_changed, select_everything, select_models


def node(kind: str, *reads: str, materialized: str = "view", sql: str = "select 1", **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": kind, "raw_code": sql, "depends_on": {"nodes": list(reads), "macros": []},
        "config": {"materialized": materialized, "meta": meta},
    }


def manifest() -> dict[str, Any]:
    """Return a project of two reports: days are stored, and marts are views over them that look up read times."""
    nodes = {
        "stg_ads": node("model", "ads"),
        "stg_hours": node("model", "hours"),
        "stg_versions": node("model", "day_versions"),
        "ad_days": node("model", "stg_ads", materialized="incremental", reports=["ads"]),
        "hour_days": node("model", "stg_hours", materialized="incremental", reports=["hours"]),
        "days_read": node("model", "stg_versions", materialized="incremental", reports=["day_versions"]),
        "ad_report": node("model", "ad_days", "days_read", reports=["ads"]),
        "hour_report": node("model", "hour_days", "days_read", reports=["hours"]),
        "drift_report": node("model", "drift", materialized="table"),
        "late_report": node("model", "ad_days", sql="select current_date"),
        "offsets": node("seed", materialized="seed"),
        "unique_ad_report": node("test", "ad_report"),
        "unique_hour_report": node("test", "hour_report"),
        "ads_add_up": node("test", "ad_report", "hour_report"),
        "days_read_test": node("test", "days_read"),
        "no_late_day": node("test", "late_report"),
        "ad_history": node("model", "ad_days", tests="daily"),
        "stored_history": node("model", "ad_days", materialized="table", tests="daily"),
        "unique_ad_history": node("test", "ad_history"),
        "unique_stored_history": node("test", "stored_history"),
        "histories_agree": node("test", "ad_history", "ad_report"),
    }
    for name, each in nodes.items():
        each["name"] = name
    children: dict[str, list[str]] = {}
    for name, each in nodes.items():
        for read in each["depends_on"]["nodes"]:
            children.setdefault(read, []).append(name)
    return {
        "nodes": nodes, "macros": {}, "child_map": children,
        "sources": {name: {"name": name} for name in ("ads", "hours", "day_versions", "drift")},
    }


@pytest.mark.parametrize(
    ("tables", "run"),
    [
        (
            {"ads"},
            [
                "ad_days", "ads_add_up", "drift_report", "histories_agree", "no_late_day", "stored_history",
                "unique_ad_report", "unique_stored_history",
            ],
        ),
        ({"hours"}, ["ads_add_up", "drift_report", "hour_days", "unique_hour_report"]),
        # Every mart looks up whether a day is provisional: a change of that tests no mart.
        ({"day_versions"}, ["days_read", "days_read_test", "drift_report"]),
        ({"a report without a model"}, ["drift_report"]),
        (set(), []),
    ],
)
def test_a_change_of_a_raw_table_runs_the_nodes_that_it_reaches(tables: set[str], run: list[str]) -> None:
    selection = select_changed(manifest(), tables)

    assert sorted(selection.run) == run
    assert bool(selection) == bool(run) and not selection.is_full


def test_views_that_read_changed_rows_count_as_changed_and_are_not_built() -> None:
    selection = select_changed(manifest(), {"ads"})

    assert sorted(selection.changed - selection.run) == ["ad_history", "ad_report", "late_report", "stg_ads"]


@pytest.mark.parametrize(
    ("tables", "is_new_day", "untested", "is_run"),
    [
        ({"ads"}, False, (), False),
        ({"ads"}, True, (), True),
        ({"hours"}, True, (), False),
        ({"hours"}, True, {"ads"}, True),
        ((), True, {"ads"}, True),
        ({"hours"}, False, {"ads"}, False),
    ],
)
def test_daily_tests_run_on_a_new_day_for_all_that_changed_since_they_ran(
    tables: Collection[str], is_new_day: bool, untested: Collection[str], is_run: bool
) -> None:
    run = select_changed(manifest(), tables, is_new_day=is_new_day, untested=untested).run

    assert ("unique_ad_history" in run) == is_run
    assert ("ad_days" in run) == ("ads" in tables)  # a postponed test builds no model
    assert ("unique_ad_report" in run) == ("ads" in tables)


def test_on_another_day_models_that_read_the_date_are_tested_again() -> None:
    assert sorted(select_changed(manifest(), (), is_new_day=True).run) == ["no_late_day"]


def test_our_macros_that_read_the_date_count_and_dbts_do_not() -> None:
    project = manifest()
    project["macros"] = {
        "macro.ours": {
            "package_name": "meta_pipeline", "macro_sql": "date_day < {{ today() }}",
            "depends_on": {"macros": ["macro.today"]},
        },
        "macro.today": {"package_name": "meta_pipeline", "macro_sql": "cast(now() as date)"},
        "macro.dbts": {"package_name": "dbt", "macro_sql": "current_timestamp"},
    }
    project["nodes"]["drift_report"]["depends_on"]["macros"] = ["macro.ours"]
    project["nodes"]["hour_days"]["depends_on"]["macros"] = ["macro.dbts"]

    assert sorted(select_changed(project, (), is_new_day=True).run) == ["drift_report", "no_late_day"]


def test_a_full_refresh_and_a_persons_selection_build_views_and_seeds_too() -> None:
    assert sorted(select_everything(manifest()).run) == sorted(manifest()["nodes"])
    assert select_models(["ad_report"], tests=["unique_ad_report"]).run == {"ad_report", "unique_ad_report"}
