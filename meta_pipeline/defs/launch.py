"""Runs started by us: one account and one contiguous range each, in a few spawned processes, no daemon needed."""

from __future__ import annotations

import atexit
import concurrent.futures
import concurrent.futures.process
import contextlib
import datetime as dt
import functools
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.ranges import Range
from meta_pipeline.flows import listings, pulls, side_by_side
from meta_pipeline.processes.worker_pool import STOP_WITHIN_S, worker_pool
from meta_pipeline.publish import freshness
from meta_pipeline.settings import Settings
from meta_pipeline.status.forecast import are_entities_stale
from meta_pipeline.store import deferrals, read_times, warehouse_state
from meta_pipeline.store.engine import storage_error

TICK_S = 0.5
# Accounts whose report runs are seen through while others are landed.
ASKED_AHEAD = 8
_KILLED = "its process was killed; run the same command again to go on"
# Dagster's twenty lines a run go to its own log, not to the operator's terminal.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class AccountRange:
    """What one run reads: `reports` of one ad account, both days inclusive; `entities` reads its listings as well."""

    node_id: str
    since: dt.date
    until: dt.date
    reports: tuple[str, ...]
    backfill_id: str
    entities: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a range ended: the reasons of what failed, none when all landed."""

    asked: AccountRange
    reasons: tuple[str, ...]


def land_ranges(
    settings: Settings, ranges: Sequence[AccountRange], *, tick: Callable[[], None], processes: int = 2
) -> Iterator[Outcome]:
    """Run the ranges, each as a Dagster run; an outcome as each one ends. A run's failure never stops the others.
    `tick` is called now and then while runs are under way."""
    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.partitions import AD_ACCOUNTS
    from meta_pipeline.defs.runs.killed_runs import reap

    with instance(settings) as opened:
        reap(opened)
        opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), sorted({asked.node_id for asked in ranges}))
    # Threads that call materialize deadlock on a logging lock: one run at a time per process, processes are spawned.
    # Report runs are asked for ahead of them by threads of this one, so that no run waits for Meta.
    ahead = concurrent.futures.ThreadPoolExecutor(min(ASKED_AHEAD, len(ranges)), thread_name_prefix="ahead")
    count = min(processes, len(ranges))
    stopping, runtime = threading.Event(), bootstrap.runtime_of(settings)
    with worker_pool(count) as pool:
        with contextlib.suppress(concurrent.futures.process.BrokenProcessPool):  # killed: whoever submits next says so
            for _ in range(count):
                pool.submit(_warm_up, settings)
        asking = {ahead.submit(_ask_ahead, runtime, asked, stopping): asked for asked in ranges}
        prefetches = list(asking)
        try:
            yield from _landed_when_asked(settings, asking, pool, tick)
        except BaseException:  # stopped: threads may wait for Meta longer than a person waits for a command
            stopping.set()
            ahead.shutdown(wait=False, cancel_futures=True)
            concurrent.futures.wait(prefetches, STOP_WITHIN_S)
            raise
        stopping.set()  # a worker was killed, or all is done: what is under way ends, nothing else begins
        ahead.shutdown(cancel_futures=True)


def _landed_when_asked(
    settings: Settings,
    asking: dict[concurrent.futures.Future[None], AccountRange],
    pool: concurrent.futures.ProcessPoolExecutor,
    tick: Callable[[], None],
) -> Iterator[Outcome]:
    """Every range run once its report runs are there. When a process was killed, nothing more is asked for: nobody
    would read it."""
    running: dict[concurrent.futures.Future[Outcome], AccountRange] = {}
    while asking or running:
        futures: list[concurrent.futures.Future[Any]] = [*asking, *running]
        done = concurrent.futures.wait(futures, TICK_S, concurrent.futures.FIRST_COMPLETED).done
        tick()
        killed: list[AccountRange] = []
        for asked in [asking.pop(future) for future in done if future in asking]:
            try:
                running[pool.submit(_run_one, settings, asked)] = asked
            except concurrent.futures.process.BrokenProcessPool:
                killed.append(asked)
        for future in [future for future in done if future in running]:
            asked = running.pop(future)
            try:
                yield future.result()
            except concurrent.futures.process.BrokenProcessPool:
                killed.append(asked)
        if killed:
            yield from (Outcome(asked, (_KILLED,)) for asked in (*killed, *running.values(), *asking.values()))
            return


def _ask_ahead(runtime: Runtime, asked: AccountRange, stopping: threading.Event) -> None:
    """The report runs of a range asked for and seen through, while others are landed."""
    if stopping.is_set():
        return
    sleep = side_by_side.interruptible(runtime.sleep, stopping)
    by = runtime.pull_context(
        run_id="ahead", backfill_id=asked.backfill_id, purpose="backfill", sleep=sleep
    )
    pulls.prefetch_runs(asked.node_id, Range(asked.since, asked.until).days, asked.reports, context=by)


def _run_one(settings: Settings, asked: AccountRange) -> Outcome:
    """Run a range; an error of storage is its reason, in one sentence."""
    try:
        return _ran(settings, asked)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return Outcome(asked, (str(named),))


def _ran(settings: Settings, asked: AccountRange) -> Outcome:
    opened, runtime = _open_once(settings)
    reasons = _insights(opened, asked)
    # After the insights: they name the ads that no listing holds.
    if _wants_entities(runtime, asked):
        reasons += _entities(opened, asked)
    return Outcome(asked, tuple(reasons))


def _warm_up(settings: Settings) -> None:
    """The imports and openings of a spawned process, done while Meta works on the first report runs."""
    _open_once(settings)


@functools.cache
def _open_once(settings: Settings) -> tuple[Any, Runtime]:
    """Dagster's instance and our runtime, for all the ranges that a spawned process is given."""
    quiet()
    from meta_pipeline.defs.home import instance

    until_exit = contextlib.ExitStack()
    atexit.register(until_exit.close)
    opened = until_exit.enter_context(instance(settings, is_captured=False))  # landing prints nothing
    return opened, bootstrap.runtime_of(settings)


def _wants_entities(runtime: Runtime, asked: AccountRange) -> bool:
    """Whether the account's listings are to be read: not twice in a backfill, not while Meta's limit holds, and when
    single reports were asked for only if they are stale."""
    landed = listings.have_landed(runtime.engine, asked.node_id, backfill_id=asked.backfill_id)
    is_waiting = deferrals.due_at(runtime.engine, backfill_id=asked.backfill_id, node_id=asked.node_id) is not None
    if is_waiting or landed:
        return False
    return asked.entities or are_entities_stale(runtime.engine, asked.node_id, now=runtime.now())


@dataclass(frozen=True)
class Built:
    """How a build of the marts ended: why it failed, if it did, and the seconds that each step took. `skipped`: the
    landed files that could not be read; `note`: why there was nothing to build."""

    reason: str | None
    seconds: dict[str, float]
    skipped: tuple[str, ...] = ()
    note: str | None = None


def build_marts(settings: Settings, *, is_forced: bool = False, is_reload: bool = False) -> Built:
    """Load, dbt build and publish as one Dagster run, in a process of its own. Nothing is built when nothing changed
    since the last publication, unless `is_forced`; `is_reload` first makes the warehouse file anew."""
    runtime = bootstrap.runtime_of(settings)
    if read_times.newest_read(runtime.engine) is None:
        return Built(None, {}, note="nothing has landed yet and nothing is published: run `meta-pipeline backfill`")
    if is_reload:
        warehouse_state.request_reload(runtime.engine)
    digest = freshness.digest_of(runtime.warehouse.insights, today=runtime.now().date())
    if not (is_forced or is_reload) and freshness.is_published(
        runtime.warehouse, runtime.engine, settings.published_file, digest=digest
    ):
        return Built(None, {}, note="nothing has landed or changed since the last publication: nothing to build")
    with worker_pool(1) as pool:
        try:
            return pool.submit(_build_marts, settings).result()
        except concurrent.futures.process.BrokenProcessPool:
            return Built("the process that builds the marts was killed; run `meta-pipeline build` to go on", {})


def _build_marts(settings: Settings) -> Built:
    """Build; an error of storage is the reason, in one sentence, and no exception that the parent can't unpickle."""
    try:
        return _built(settings)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return Built(str(named), {})


def _built(settings: Settings) -> Built:
    quiet()
    log = settings.root / "dbt" / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:  # dbt's hundred lines; this process does nothing else
        os.dup2(file.fileno(), sys.stdout.fileno())
    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.runs.killed_runs import process_tags, reaping

    with instance(settings) as opened, reaping(opened):
        import dagster as dg

        from meta_pipeline.defs.assets.warehouse import ALL_READ, dbt_resource, load_raw, marts, published
        from meta_pipeline.defs.checks import api_versions, drift, gated_reports
        from meta_pipeline.defs.resources import RESOURCES
        from meta_pipeline.defs.runs.run_job import run_job
        from meta_pipeline.defs.sensors import build_marts

        defs = dg.Definitions(
            assets=[load_raw, marts, published], asset_checks=[api_versions, drift, gated_reports], jobs=[build_marts],
            resources={**RESOURCES, "dbt": dbt_resource()}, executor=dg.in_process_executor,
        )
        job = defs.resolve_job_def(build_marts.name)
        result = run_job(opened, job, tags=process_tags(), run_config=QUIET)
        names = {"load_raw": "load", "marts": "dbt", "published__warehouse": "publish"}
        seconds = {
            names[event.step_key]: event.step_success_data.duration_ms / 1000
            for event in result.all_events if event.is_step_success and event.step_key in names
        }
        skipped: list[str] = []
        for check in result.get_asset_check_evaluations():
            if check.check_name == ALL_READ and isinstance(check.metadata["skipped"], dg.JsonMetadataValue):
                skipped += map(str, check.metadata["skipped"].data or ())
        return Built(" · ".join(_reasons(result)) or None, seconds, tuple(skipped))


def onboard(settings: Settings, onboarding_id: str) -> str | None:
    """Run `onboarding_job` here and now; why it failed, if it did."""
    quiet()
    import dagster as dg

    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.jobs import onboarding_config, onboarding_job
    from meta_pipeline.defs.resources import RESOURCES
    from meta_pipeline.defs.runs.killed_runs import process_tags, reap
    from meta_pipeline.defs.runs.run_job import run_job

    with instance(settings) as opened:
        reap(opened)
        job = dg.Definitions(jobs=[onboarding_job], resources=RESOURCES).resolve_job_def(onboarding_job.name)
        config = {**QUIET, **onboarding_config(onboarding_id)}
        return " · ".join(_reasons(run_job(opened, job, tags=process_tags(), run_config=config))) or None


@functools.cache
def _landing_job(name: str) -> Any:
    """`pull_ads` or `pull_entities`, without the rest of the definitions: loading dbt's takes seconds."""
    import dagster as dg

    from meta_pipeline.defs.assets.landing import land_entities, land_insights
    from meta_pipeline.defs.resources import RESOURCES
    from meta_pipeline.defs.schedules import pull_ads, pull_entities

    defs = dg.Definitions(
        assets=[land_insights, land_entities], jobs=[pull_ads, pull_entities], resources=RESOURCES,
        executor=dg.in_process_executor,
    )
    return defs.resolve_job_def(name)


def _insights(opened: Any, asked: AccountRange) -> list[str]:
    from meta_pipeline.defs.assets.landing import landing_key
    from meta_pipeline.defs.partitions import key

    span = {
        "dagster/asset_partition_range_start": key(asked.node_id, asked.since),
        "dagster/asset_partition_range_end": key(asked.node_id, asked.until),
    }
    return _landed(opened, "pull_ads", asked, tags=span, assets=[landing_key(report) for report in asked.reports])


def _entities(opened: Any, asked: AccountRange) -> list[str]:
    return _landed(opened, "pull_entities", asked, tags={"dagster/partition": asked.node_id})


def _landed(
    opened: Any, job: str, asked: AccountRange, *, tags: Mapping[str, str], assets: Sequence[Any] = ()
) -> list[str]:
    """Run a landing job for this account and backfill; why it failed, if it did."""
    from meta_pipeline.defs.runs.killed_runs import process_tags
    from meta_pipeline.defs.runs.run_job import run_job

    whose = {"meta/ad_account": asked.node_id, "meta/backfill": asked.backfill_id, **process_tags()}
    result = run_job(opened, _landing_job(job), tags={**tags, **whose}, run_config=QUIET, assets=assets)
    return _reasons(result)


def _reasons(result) -> list[str]:  # type: ignore[no-untyped-def]
    if result.success:
        return []
    reasons = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        failure = event.step_failure_data
        if failure.user_failure_data and failure.user_failure_data.description:
            reasons.append(failure.user_failure_data.description)
        elif failure.error:
            cause = failure.error.cause or failure.error
            reasons.append(cause.message.strip().partition(": ")[2] or cause.message.strip())
    return reasons or ["the run failed before its first step; see the run in the Dagster UI"]


def quiet() -> None:
    """Dagster's debug lines and beta warnings stay off the operator's terminal."""
    warnings.filterwarnings("ignore")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
