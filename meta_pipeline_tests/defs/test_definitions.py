"""Dagster's definitions: they load offline without settings, and everything in them is described."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
PROGRAM = """
from meta_pipeline.definitions import defs
definitions = defs()
repository = definitions.get_repository_def()
print(sorted(job for job in repository.job_names if not job.startswith("__")))
steps = [(job, node) for job in repository.get_all_jobs() for node in job.graph.nodes]
print("without runtime", [node.name for _, node in steps if "runtime" not in node.definition.required_resource_keys])
print("executors", {job.executor_def.name for job, _ in steps})
print(sorted(key.to_user_string() for key in definitions.resolve_all_asset_keys()))
"""

INVENTORY = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from meta_pipeline.definitions import defs
    repository = defs().get_repository_def()
    jobs = repository.get_all_jobs()
named = {job.name: job for job in jobs if not job.name.startswith("__")}
named |= {each.name: each for each in (*repository.schedule_defs, *repository.sensor_defs)}
named |= repository.get_top_level_resources()
print(json.dumps({
    "descriptions": {name: each.description for name, each in named.items()},
    "assets": {
        node.key.to_user_string(): [node.group_name, node.owners, node.tags.get("source"), node.description]
        for node in repository.asset_graph.asset_nodes
    },
    "checks": {key.name: key.asset_key.to_user_string() for key in repository.asset_graph.asset_check_keys},
    "warnings": [str(each.message) for each in caught if each.category.__module__.startswith("dagster")],
}))
"""


def loaded(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], env={"HOME": str(tmp_path), "PYTHONPATH": str(TOP), **settings},
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )


def test_the_definitions_load_offline_with_an_empty_environment(tmp_path: Path) -> None:
    ran = loaded(tmp_path)

    assert ran.returncode == 0, ran.stderr
    for name in ("onboarding_job", "pull_ads", "pull_pages", "pull_instagram", "build_marts"):
        assert f"'{name}'" in ran.stdout
    for key in ("landing/meta_pages/page_posts", "raw_meta_pages/page_insights_versions", "raw_meta_pipeline/nodes",
                "landing/instagram/instagram_stories", "raw_instagram/instagram_media", "landing/meta_ads/ad_insights",
                "raw_meta_ads/ad_insights", "facebook_ads__ad_report",
                "raw_meta_ads/account_reach_7d", "raw_meta_pipeline/drift", "facebook_ads__reach_report",
                "published/warehouse"):
        assert f"'{key}'" in ran.stdout
    # Otherwise a run of one step alone would have no process in its tags, or that of a step instead of the run.
    assert "without runtime []" in ran.stdout and "executors {'in_process'}" in ran.stdout


def test_importing_the_definitions_reads_no_settings_and_writes_no_file(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", "import meta_pipeline.definitions"], cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(TOP), "META_PIPELINE_REPORTS": "no/such/file.toml",
             "META_PIPELINE_LARGEST_PAGE": "no number"},
        capture_output=True, text=True, timeout=120,
    )

    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_definitions_read_no_file_that_dbt_left_half_written(tmp_path: Path) -> None:
    environment = {"META_PIPELINE_HOME": str(tmp_path / "home")}
    dbt = tmp_path / "home" / "dbt"
    # Files that a kill during the first parse or a build leaves, and that an earlier version of this project left.
    for half in (dbt / "parsed" / "manifest.json", dbt / "target" / "manifest.json", dbt / "manifest.json"):
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_text('{"metadata": {')
    assert loaded(tmp_path, **environment).returncode == 0

    (dbt / "parsed" / "manifest.json").write_text('{"metadata": {')
    assert loaded(tmp_path, **environment).returncode == 0


def test_a_configured_report_has_its_assets(tmp_path: Path) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('[reports.mine]\nlevel = "ad"\nfields = ["account_id", "ad_id", "impressions"]\nenabled = false\n')
    ran = loaded(tmp_path, META_PIPELINE_REPORTS=str(file))

    assert ran.returncode == 0, ran.stderr
    for key in ("landing/meta_ads/mine", "raw_meta_ads/mine", "raw_meta_ads/mine_versions"):
        assert f"'{key}'" in ran.stdout


def test_a_mistake_in_the_reports_file_is_the_last_line_of_the_output(tmp_path: Path) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('enabled = ["account_reach_7days"]')
    ran = loaded(tmp_path, META_PIPELINE_REPORTS=str(file))

    assert ran.returncode != 0
    assert "did you mean account_reach_7d?" in ran.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("inventory")
    ran = subprocess.run(
        [sys.executable, "-c", INVENTORY], env={"HOME": str(folder), "PYTHONPATH": str(TOP)}, cwd=folder,
        capture_output=True, text=True, timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    inventory: dict[str, Any] = json.loads(ran.stdout)
    return inventory


def test_everything_that_runs_is_described_for_its_users(inventory: dict[str, Any]) -> None:
    descriptions = inventory["descriptions"]

    assert {"pull_ads", "build_marts_sensor", "pull_entities_schedule", "graph", "runtime"} <= set(descriptions)
    assert [name for name, text in descriptions.items() if not text or not text[0].isupper()] == []
    # Notes for implementers are comments, not descriptions.
    assert [name for name, text in descriptions.items() if "`reap`" in text or "processor time" in text] == []


def test_every_asset_has_a_group_by_its_step_an_owner_a_source_and_a_description(inventory: dict[str, Any]) -> None:
    assets = inventory["assets"]

    assert {group for group, *_ in assets.values()} == {"landing", "raw", "staging", "marts", "compat"}
    assert {source for _, _, source, _ in assets.values()} == {
        "meta_ads", "meta_pages", "instagram", "meta_leads", "meta_conversations", "meta_pipeline"}
    assert [name for name, (_, owners, _, text) in assets.items() if not owners or not text] == []
    groups = {name: assets[name][0] for name in (
        "landing/meta_ads/ad_insights", "raw_meta_ads/ad_insights", "stg_meta_ads__ads", "int_ad_days",
        "facebook_ads__ad_report", "ad_history", "stg_meta_pages__page_posts", "facebook_pages__posts_report",
    )}
    assert list(groups.values()) == ["landing", "raw", "staging", "staging", "marts", "compat", "staging", "marts"]
    sources = {name: assets[name][2] for name in (
        "int_ads_promoting_pages", "dim_posts", "social__organic_and_paid", "int_instagram_media_days",
        "instagram_business__posts", "fct_metric_availability",
    )}
    assert list(sources.values()) == ["meta_ads", "meta_pages", "meta_pages", "instagram", "instagram", "meta_pipeline"]


def test_a_dbt_test_of_several_models_is_a_check_of_one_of_them_and_loading_causes_no_warning(inventory: dict[str, Any]) -> None:
    assert {"currency_has_an_offset"} <= set(inventory["checks"])
    assert inventory["warnings"] == []


def test_dagsters_programs_find_the_definitions_from_the_clones_root() -> None:
    tool = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]

    assert tool["dagster"]["module_name"] == tool["dg"]["project"]["code_location_target_module"] == (
        "meta_pipeline.definitions"
    )


def test_dg_checks_the_definitions(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "dg"), "check", "defs"], cwd=TOP, capture_output=True, text=True, timeout=600,
        env={"HOME": str(tmp_path), "META_PIPELINE_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "All definitions loaded successfully" in ran.stdout + ran.stderr


def test_a_dagster_home_in_the_clone_leaves_nothing_for_git() -> None:
    stray = ["history/runs.db", "schedules/schedules.db", "storage/x", ".tmp_dagster_home_abc/x", "logs/event.log"]

    ran = subprocess.run(["git", "check-ignore", *stray], cwd=TOP, capture_output=True, text=True)

    assert ran.stdout.split() == stray
