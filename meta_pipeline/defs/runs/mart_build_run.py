"""Run `build_marts` in a worker process that does nothing else."""

from __future__ import annotations

import os
import sys

import dagster as dg

from meta_pipeline.defs.assets.warehouse import ALL_READ, dbt_resource, load_raw, marts, published
from meta_pipeline.defs.checks import api_versions, drift, gated_reports
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.resources import RESOURCES
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster
from meta_pipeline.defs.runs.killed_runs import process_tags, reaping
from meta_pipeline.defs.runs.mart_build import MartBuild
from meta_pipeline.defs.runs.results import check_items, failure_sentence, step_seconds
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.defs.sensors import build_marts
from meta_pipeline.settings import Settings

STEPS = {"load_raw": "load", "marts": "dbt", "published__warehouse": "publish"}


def run_build(settings: Settings) -> MartBuild:
    """Load, build with dbt and publish. dbt's hundred lines go to `dbt/build.log`."""
    silence_dagster()
    log = settings.root / "dbt" / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    with instance(settings) as dagster_instance, reaping(dagster_instance):
        definitions = dg.Definitions(
            assets=[load_raw, marts, published], asset_checks=[api_versions, drift, gated_reports], jobs=[build_marts],
            resources={**RESOURCES, "dbt": dbt_resource()}, executor=dg.in_process_executor,
        )
        job = definitions.resolve_job_def(build_marts.name)
        result = run_job(dagster_instance, job, tags=process_tags(), run_config=SILENT_CONSOLE)
    return MartBuild(
        reason=failure_sentence(result), seconds=step_seconds(result, STEPS),
        skipped=check_items(result, ALL_READ, "skipped"),
    )
