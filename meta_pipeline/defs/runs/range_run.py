"""Land one node's range in a worker process: its reports, then the listings of an ad account, each as a Dagster run."""

from __future__ import annotations

import atexit
import contextlib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.landing import land_entities, landing_assets
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.jobs import PULLS, pull_entities
from meta_pipeline.defs.partitions import node_tags, range_tags
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster
from meta_pipeline.defs.runs.killed_runs import process_tags
from meta_pipeline.defs.runs.results import failure_reasons
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.flows.pulling.node_range import NodeRange, RangeOutcome, are_listings_due
from meta_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class RangeRun:
    """Lands ranges one after another, on one Dagster instance and with one runtime."""

    instance: dg.DagsterInstance
    runtime: Runtime
    jobs: Mapping[str, dg.JobDefinition]

    def land(self, node_range: NodeRange) -> RangeOutcome:
        """Land a range, and the listings of an ad account where they are due."""
        reasons = self.land_reports(node_range)
        # After the insights, because they name the ads that no listing has.
        if are_listings_due(node_range, engine=self.runtime.engine, now=self.runtime.now()):
            reasons += self._run(pull_entities.name, node_range, tags={"dagster/partition": node_range.node_id})
        return RangeOutcome(node_range, tuple(reasons))

    def land_reports(self, node_range: NodeRange) -> list[str]:
        """Run the job of the kind of node over a range, and return the reasons why it failed."""
        return self._run(
            node_range.kind.job, node_range,
            tags=range_tags(node_range.node_id, node_range.since, node_range.until, node_range.kind),
            assets=[landing_key(report) for report in node_range.reports],
        )

    def _run(
        self, job: str, node_range: NodeRange, *, tags: Mapping[str, str], assets: Sequence[dg.AssetKey] = ()
    ) -> list[str]:
        owner = {**node_tags(node_range.node_id, node_range.kind), "meta/backfill": node_range.backfill_id}
        result = run_job(
            self.instance, self.jobs[job], tags={**tags, **owner, **process_tags()}, run_config=SILENT_CONSOLE,
            assets=assets,
        )
        return failure_reasons(result)


@functools.cache
def open_range_run(settings: Settings) -> RangeRun:
    """Open Dagster's instance and the runtime once, for all ranges of this worker process."""
    silence_dagster()
    until_exit = contextlib.ExitStack()
    atexit.register(until_exit.close)
    opened = until_exit.enter_context(instance(settings, is_captured=False))  # landing prints nothing
    runtime = bootstrap.runtime_of(settings)
    return RangeRun(opened, runtime, landing_jobs(runtime))


def landing_jobs(runtime: Runtime) -> dict[str, dg.JobDefinition]:
    """Return the landing jobs without the other definitions: loading those of dbt takes seconds."""
    definitions = dg.Definitions(
        assets=[*landing_assets(runtime.reports), land_entities], jobs=[*PULLS, pull_entities],
        resources=resources_of(runtime), executor=dg.in_process_executor,
    )
    return {job.name: definitions.resolve_job_def(job.name) for job in (*PULLS, pull_entities)}
