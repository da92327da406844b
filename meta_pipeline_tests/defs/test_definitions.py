"""The Dagster edge: loads offline, names hold, a killed run blocks nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dagster_dbt import DbtCliResource

TOP = Path(__file__).parents[2]
PROGRAM = """
import meta_pipeline.definitions as d
import dagster as dg
repository = d.defs.get_repository_def()
print(sorted(job for job in repository.job_names if not job.startswith("__")))
steps = [(job, node) for job in repository.get_all_jobs() for node in job.graph.nodes]
print("without home", [node.name for _, node in steps if "home" not in node.definition.required_resource_keys])
print("executors", {job.executor_def.name for job, _ in steps})
print(sorted(key.to_user_string() for key in d.defs.resolve_all_asset_keys()))
"""


def loaded(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], env={"HOME": str(tmp_path), "PYTHONPATH": str(TOP), **settings},
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )


def test_the_definitions_load_offline_with_an_empty_environment(tmp_path: Path):
    ran = loaded(tmp_path)

    assert ran.returncode == 0, ran.stderr
    for name in ("onboarding_job", "pull_ads", "build_marts"):
        assert f"'{name}'" in ran.stdout
    for key in ("landing/meta_ads/ad_insights", "raw_meta_ads/ad_insights", "facebook_ads__ad_report",
                "raw_meta_ads/account_reach_7d", "raw_meta_pipeline/drift", "facebook_ads__reach_report",
                "published/warehouse"):
        assert f"'{key}'" in ran.stdout
    # Else a run of that step alone would not say whose process it lives in, or say a step's own.
    assert "without home []" in ran.stdout and "executors {'in_process'}" in ran.stdout


def test_what_dbt_left_half_written_is_nothing_that_the_definitions_read(tmp_path: Path):
    at = {"META_PIPELINE_HOME": str(tmp_path / "home")}
    dbt = tmp_path / "home" / "dbt"
    # As a kill at the first parse or in a build leaves it, and as an earlier version of this project left it.
    for half in (dbt / "parsed" / "manifest.json", dbt / "target" / "manifest.json", dbt / "manifest.json"):
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_text('{"metadata": {')
    assert loaded(tmp_path, **at).returncode == 0

    (dbt / "parsed" / "manifest.json").write_text('{"metadata": {')
    assert loaded(tmp_path, **at).returncode == 0


def test_what_a_build_leaves_out_of_dagsters_dbt_is_there_to_be_left_out():
    """Private names of the pinned dagster-dbt (`defs/assets/warehouse.py`, Dbt)."""
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= set(dir(DbtCliResource))


def test_a_report_of_ones_own_has_its_assets(tmp_path: Path):
    file = tmp_path / "reports.toml"
    file.write_text('[reports.mine]\nlevel = "ad"\nfields = ["account_id", "ad_id", "impressions"]\nenabled = false\n')
    ran = loaded(tmp_path, META_PIPELINE_REPORTS=str(file))

    assert ran.returncode == 0, ran.stderr
    for key in ("landing/meta_ads/mine", "raw_meta_ads/mine", "raw_meta_ads/mine_versions"):
        assert f"'{key}'" in ran.stdout


def test_a_mistake_in_the_file_is_the_last_line_that_is_said(tmp_path: Path):
    file = tmp_path / "reports.toml"
    file.write_text('enabled = ["account_reach_7days"]')
    ran = loaded(tmp_path, META_PIPELINE_REPORTS=str(file))

    assert ran.returncode != 0
    assert "did you mean account_reach_7d?" in ran.stderr.splitlines()[-1]
