"""Run `onboarding_job` for one onboarding in this process."""

from __future__ import annotations

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster


def run_onboarding(runtime: Runtime, onboarding_id: str) -> str | None:
    """Run the job to its end and return why it failed, or None."""
    silence_dagster()
    import dagster as dg

    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.jobs import onboarding_config, onboarding_job
    from meta_pipeline.defs.resources import resources_of
    from meta_pipeline.defs.runs.killed_runs import process_tags, reap
    from meta_pipeline.defs.runs.results import failure_sentence
    from meta_pipeline.defs.runs.run_job import run_job

    with instance(runtime.settings) as dagster_instance:
        reap(dagster_instance)
        definitions = dg.Definitions(jobs=[onboarding_job], resources=resources_of(runtime))
        job = definitions.resolve_job_def(onboarding_job.name)
        config = {**SILENT_CONSOLE, **onboarding_config(onboarding_id)}
        return failure_sentence(run_job(dagster_instance, job, tags=process_tags(), run_config=config))
