"""Build the marts as one Dagster run in a process of its own, when there is something to build."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.processes.worker_pool import worker_pool
from meta_pipeline.publish import freshness
from meta_pipeline.publish.policy import is_applied
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import storage_error
from meta_pipeline.store.landed import read_times, warehouse_state


def build_marts(runtime: Runtime, *, is_forced: bool = False, is_reload: bool = False) -> MartBuild:
    """Load, build with dbt and publish.

    Nothing is built when nothing changed since the last publication, unless `is_forced`; `is_reload` first makes the
    warehouse file anew."""
    if read_times.newest_read(runtime.engine) is None:
        return MartBuild(note="nothing has landed yet and nothing is published: run `meta-pipeline backfill`")
    if is_reload:
        warehouse_state.request_reload(runtime.engine)
    digest = freshness.digest_of(runtime.warehouse.insights, today=runtime.now().date())
    published, policy = runtime.settings.published_file, runtime.publish_policy
    if (
        not (is_forced or is_reload)
        and freshness.is_published(runtime.warehouse, runtime.engine, published, digest=digest)
        and is_applied(published, policy)
    ):
        return MartBuild(note="nothing has landed or changed since the last publication: nothing to build")
    with worker_pool(1) as pool:
        try:
            return pool.submit(_build, runtime.settings).result()
        except BrokenProcessPool:
            return MartBuild(reason="the process that builds the marts was killed; run `meta-pipeline build` to go on")


def _build(settings: Settings) -> MartBuild:
    """Build in a worker process; an error of storage is the reason, in one sentence, and no exception that the parent
    can't unpickle."""
    from meta_pipeline.defs.runs.mart_build_run import run_build

    try:
        return run_build(settings)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return MartBuild(reason=str(named))
