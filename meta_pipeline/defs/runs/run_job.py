"""Run one of our jobs in this process, so that the Dagster UI shows the run as a run of that job: on the timeline, the
job's page and the job's graph. `dg.materialize` would create a run of `__ephemeral_asset_job__` instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.execution.job_execution_result import JobExecutionResult
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from meta_pipeline.defs.home import DEFINITIONS, LOCATION

# A failed run of the command line is run again by the same command, not by the daemon of an `up` on the same home.
NO_RETRY = {"dagster/max_retries": "0"}
_REPOSITORY = "__repository__"  # of `dg.Definitions`


class _Subset(InMemoryJob):
    """A job that is already reduced to the run's assets."""

    def get_subset(self, **_: Any) -> _Subset:
        return self


def run_job(
    opened: dg.DagsterInstance,
    job: dg.JobDefinition,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
    assets: Collection[dg.AssetKey] = (),
) -> JobExecutionResult:
    """Run a job, or some of its assets, to its end; a failure is in the result and not raised."""
    subset = job.get_subset(asset_selection=set(assets)) if assets else job
    run = opened.create_run_for_job(
        job_def=subset, run_config=run_config, tags={**job.run_tags, **tags, **NO_RETRY},
        asset_selection=frozenset(assets) or None, remote_job_origin=_origin(job.name),
    )
    return execute_run(_Subset(subset), run, opened)


def _origin(name: str) -> RemoteJobOrigin:
    """Return the origin that runs of the daemon have: the UI uses it to show the job of a run."""
    target = LoadableTargetOrigin(module_name=DEFINITIONS)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, _REPOSITORY), name)
