"""Run `build_marts` in a worker process that does nothing else."""

from __future__ import annotations

import os
import sys

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.assets.dbt_manifest import parsed_project
from meta_pipeline.defs.assets.marts import mart_assets
from meta_pipeline.defs.assets.published import published_asset
from meta_pipeline.defs.assets.raw import ALL_READ, ALL_THERE, raw_assets
from meta_pipeline.defs.checks import accounts, api_versions, drift, gated_reports
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.jobs import build_marts
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster
from meta_pipeline.defs.runs.killed_runs import process_tags, reaping
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.defs.runs.results import check_items, failure_sentence, step_seconds
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.modelling import runner
from meta_pipeline.settings import Settings

STEPS = {"load_raw": "load", "marts": "dbt", "published__warehouse": "publish"}


def warm_up(settings: Settings) -> None:
    """Import everything and parse the project, if it is not, while there is nothing to build yet."""
    silence_dagster()
    parsed_project(settings)
    runner.warm_up()


def run_build(settings: Settings, *, is_full: bool = False) -> MartBuild:
    """Load, build with dbt and publish; `is_full`: all from the first row. dbt's lines go to `dbt/build.log`."""
    silence_dagster()
    log = settings.root / "dbt" / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    runtime = bootstrap.runtime_of(settings)
    with instance(settings) as dagster_instance, reaping(dagster_instance):
        marts = mart_assets(parsed_project(settings))
        definitions = dg.Definitions(
            assets=[raw_assets(runtime.reports), marts, published_asset(marts)], jobs=[build_marts],
            asset_checks=[accounts, api_versions, drift, gated_reports], resources=resources_of(runtime),
            executor=dg.in_process_executor,
        )
        job = definitions.resolve_job_def(build_marts.name)
        config = {"ops": {marts.op.name: {"config": {"is_full": is_full}}}}
        result = run_job(dagster_instance, job, tags=process_tags(), run_config={**SILENT_CONSOLE, **config})
    return MartBuild(
        reason=failure_sentence(result), seconds=step_seconds(result, STEPS),
        skipped=check_items(result, ALL_READ, "skipped"), repaired=check_items(result, ALL_THERE, "repaired"),
    )
