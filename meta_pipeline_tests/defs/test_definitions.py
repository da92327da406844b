"""The Dagster edge: loads offline, names hold, a killed run blocks nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import meta_pipeline.definitions as d
import dagster as dg
repository = d.defs.get_repository_def()
print(sorted(job for job in repository.job_names if not job.startswith("__")))
print(sorted(key.to_user_string() for key in d.defs.resolve_all_asset_keys()))
"""


def test_the_definitions_load_offline_with_an_empty_environment(tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], env={"HOME": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=120,
    )

    assert ran.returncode == 0, ran.stderr
    for name in ("onboarding_job", "pull_ads", "build_marts"):
        assert f"'{name}'" in ran.stdout
    for key in ("landing/meta_ads/ad_insights", "raw_meta_ads/ad_insights", "facebook_ads__ad_report",
                "published/warehouse"):
        assert f"'{key}'" in ran.stdout
