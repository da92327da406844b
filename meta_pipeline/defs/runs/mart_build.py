"""Build the marts as one Dagster run in a separate process, when there is something to build.

This module has no slow imports: the other process has them, and decides whether to build."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from typing import TYPE_CHECKING

from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.processes.worker_pool import worker_pool
from meta_pipeline.settings import Settings

if TYPE_CHECKING:
    from meta_pipeline.bootstrap import Runtime
    from meta_pipeline.modelling.dbt_process import DbtProcess


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

    def build(self, *, is_forced: bool = False, is_reload: bool = False) -> MartBuild:
        """Load, build with dbt and publish, if there is something to build."""
        pool = self._pool or self._exit.enter_context(worker_pool(1))
        try:
            return pool.submit(_build, self._settings, is_forced, is_reload).result()
        except BrokenProcessPool:
            reason = "the process that builds the marts was killed; run `meta-pipeline build` to continue"
            return MartBuild(reason=reason)


@contextlib.contextmanager
def mart_worker(settings: Settings) -> Iterator[MartWorker]:
    """Yield a worker whose process ends with the block, and is killed when the block raises."""
    worker = MartWorker(settings)
    with worker._exit:
        yield worker


def build_marts(
    settings: Settings, *, is_forced: bool = False, is_reload: bool = False, worker: MartWorker | None = None
) -> MartBuild:
    """Load, build with dbt and publish.

    Nothing is built when nothing changed since the last publication. `is_forced` builds every mart anew; `is_reload`
    first rebuilds the warehouse file. `worker`: the process to build in."""
    if worker is not None:
        return worker.build(is_forced=is_forced, is_reload=is_reload)
    with mart_worker(settings) as fresh:
        return fresh.build(is_forced=is_forced, is_reload=is_reload)


def _warm_up(settings: Settings) -> None:
    _dbt_of(settings)
    from meta_pipeline.defs.runs.mart_build_run import warm_up

    warm_up(settings)


def _build(settings: Settings, is_forced: bool = False, is_reload: bool = False) -> MartBuild:
    """Build in a worker process. An error of storage is returned as the reason, in one sentence, because the parent
    can't unpickle such an exception."""
    from meta_pipeline import bootstrap
    from meta_pipeline.store.engine import storage_error

    runtime = bootstrap.runtime_of(settings)
    try:
        if note := _nothing_to_build(runtime, is_forced=is_forced, is_reload=is_reload):
            return MartBuild(note=note)
        dbt = _dbt_of(settings)
        from meta_pipeline.defs.runs.mart_build_run import run_build

        return run_build(settings, dbt, is_full=is_forced)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return MartBuild(reason=str(named))


@functools.cache
def _dbt_of(settings: Settings) -> DbtProcess:
    """Return this worker's dbt process, which has started to import dbt."""
    from meta_pipeline.modelling.dbt_process import DbtProcess

    folder = settings.root / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    dbt = DbtProcess(folder / "build.log")
    dbt.warm_up(folder / "parsed.msgpack")
    return dbt


def _nothing_to_build(runtime: Runtime, *, is_forced: bool, is_reload: bool) -> str | None:
    """Return why there is nothing to build, or None; a reload is requested when there is something to load."""
    from meta_pipeline.publish import freshness
    from meta_pipeline.publish.policy import is_applied
    from meta_pipeline.store.landed import read_times, warehouse_state

    if read_times.newest_read(runtime.engine) is None:
        return "nothing has landed yet and nothing is published: run `meta-pipeline backfill`"
    if is_reload:
        warehouse_state.request_reload(runtime.engine)
    if is_forced or is_reload:
        return None
    digest = freshness.digest_of(runtime.warehouse.insights, today=runtime.now().date())
    published, policy = runtime.settings.published_file, runtime.publish_policy
    if freshness.is_published(runtime.warehouse, runtime.engine, published, digest=digest) and is_applied(
        published, policy
    ):
        return "nothing has landed or changed since the last publication: nothing to build"
    return None
