"""Build the marts as one Dagster run in a process of its own, when there is something to build."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.processes.worker_pool import worker_pool
from meta_pipeline.publish import freshness
from meta_pipeline.publish.policy import is_applied
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import storage_error
from meta_pipeline.store.landed import read_times, warehouse_state


class MartWorker:
    """The process that builds the marts. It is started when it is needed, or before: its imports take seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._exit = contextlib.ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def warm_up(self) -> None:
        """Start the process, once; it imports what a build needs."""
        if self._pool is None:
            self._pool = self._exit.enter_context(worker_pool(1))
            self._pool.submit(_warm_up, self._settings)

    def build(self, *, is_full: bool) -> MartBuild:
        """Load, build with dbt and publish."""
        pool = self._pool or self._exit.enter_context(worker_pool(1))
        try:
            return pool.submit(_build, self._settings, is_full).result()
        except BrokenProcessPool:
            return MartBuild(reason="the process that builds the marts was killed; run `meta-pipeline build` to go on")


@contextlib.contextmanager
def mart_worker(settings: Settings) -> Iterator[MartWorker]:
    """Yield a worker whose process ends with the block, and is killed when the block raises."""
    worker = MartWorker(settings)
    with worker._exit:
        yield worker


def build_marts(
    runtime: Runtime, *, is_forced: bool = False, is_reload: bool = False, worker: MartWorker | None = None
) -> MartBuild:
    """Load, build with dbt and publish.

    Nothing is built when nothing changed since the last publication. `is_forced` builds every mart anew; `is_reload`
    first makes the warehouse file anew. `worker`: the process to build in."""
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
    if worker is not None:
        return worker.build(is_full=is_forced)
    with mart_worker(runtime.settings) as fresh:
        return fresh.build(is_full=is_forced)


def _warm_up(settings: Settings) -> None:
    from meta_pipeline.defs.runs.mart_build_run import warm_up

    warm_up(settings)


def _build(settings: Settings, is_full: bool = False) -> MartBuild:
    """Build in a worker process; an error of storage is the reason, in one sentence, and no exception that the parent
    can't unpickle."""
    from meta_pipeline.defs.runs.mart_build_run import run_build

    try:
        return run_build(settings, is_full=is_full)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return MartBuild(reason=str(named))
