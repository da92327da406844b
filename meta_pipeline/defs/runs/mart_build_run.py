"""Run `build_marts` in a worker process that does nothing else."""

from __future__ import annotations

import os
import sys

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.dbt_manifest import parsed_project
from meta_pipeline.defs.assets.keys import PUBLISHED
from meta_pipeline.defs.assets.marts import keys_that_may_change, mart_assets
from meta_pipeline.defs.assets.published import published_asset
from meta_pipeline.defs.assets.raw import ALL_READ, ALL_THERE, keys_of_landed, raw_assets
from meta_pipeline.defs.checks import accounts, api_versions, drift, gated_reports
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.jobs import build_marts
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster
from meta_pipeline.defs.runs.killed_runs import process_tags, reaping
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.defs.runs.results import check_items, failure_sentence, step_seconds
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.modelling.dbt_process import DbtProcess
from meta_pipeline.modelling.runner import DbtProject
from meta_pipeline.settings import Settings
from meta_pipeline.store.landed import load_queue

STEPS = {"load_raw": "load", "marts": "dbt", "published__warehouse": "publish"}


def warm_up(settings: Settings) -> None:
    """Import everything and parse the project, unless it is parsed, while there is nothing to build yet."""
    silence_dagster()
    parsed_project(settings)


def _assets_that_may_change(runtime: Runtime, project: DbtProject) -> set[dg.AssetKey]:
    """Return the assets of the run: those that loading all waiting files may change; an empty set means all assets.

    Writing an event for each of our three hundred assets, changed or not, would take longer than building one. Files
    that land between this and the load are loaded and built, too."""
    landed = load_queue.waiting_reports(runtime.engine)
    raw = keys_of_landed(runtime.reports, landed)
    models = keys_that_may_change(project, runtime, {key.path[-1] for key in raw})
    return set() if models is None else {*raw, *models, PUBLISHED}


def run_build(settings: Settings, dbt: DbtProcess, *, is_full: bool = False) -> MartBuild:
    """Load, build with dbt and publish; `is_full`: build from all rows. Printed output goes to the log of `dbt`."""
    silence_dagster()
    with dbt.log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    runtime = bootstrap.runtime_of(settings)
    with instance(settings) as dagster_instance, reaping(dagster_instance):
        project = parsed_project(settings)
        marts = mart_assets(project, run=dbt.run)
        definitions = dg.Definitions(
            assets=[raw_assets(runtime.reports), marts, published_asset(marts)], jobs=[build_marts],
            asset_checks=[accounts, api_versions, drift, gated_reports], resources=resources_of(runtime),
            executor=dg.in_process_executor,
        )
        job = definitions.resolve_job_def(build_marts.name)
        config = {"ops": {marts.op.name: {"config": {"is_full": is_full, "is_whole_build": True}}}}
        result = run_job(
            dagster_instance, job, tags=process_tags(), run_config={**SILENT_CONSOLE, **config},
            assets=set() if is_full else _assets_that_may_change(runtime, project),
        )
    return MartBuild(
        reason=failure_sentence(result), seconds=step_seconds(result, STEPS),
        skipped=check_items(result, ALL_READ, "skipped"), repaired=check_items(result, ALL_THERE, "repaired"),
    )
