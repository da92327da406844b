"""Dagster's home: our dagster.yaml put into it, the instance made once, and what a killed process held set free."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from meta_pipeline.defs.storage import held_open
from meta_pipeline.settings import Settings
from meta_pipeline.store.processes import identity, is_gone

PROJECT = Path(__file__).resolve().parents[2]
PROCESS_TAG = "meta/process"
REAP_EVERY_S = 10.0
_NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def prepare(settings: Settings) -> Path:
    """DAGSTER_HOME under HOME, with the project's dagster.yaml in it; set for this process and its children."""
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted, kept = (PROJECT / "dagster.yaml").read_bytes(), home / "dagster.yaml"
    if not kept.exists() or kept.read_bytes() != wanted:
        fresh = home / f".{kept.name}.{os.getpid()}"
        fresh.write_bytes(wanted)
        fresh.replace(kept)  # whole at every moment: other processes of this home read it meanwhile
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["META_PIPELINE_HOME"] = str(settings.root)
    os.environ["META_PIPELINE_WAREHOUSE"] = str(settings.warehouse_file)
    return home


@contextlib.contextmanager
def instance(settings: Settings, *, is_captured: bool = True) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of this home. Two processes that start on an empty SQLite home together break it for
    good, so the first opening is under a file lock. `is_captured`: what its steps print is kept for the UI, for which
    Dagster starts two Python processes and two others a step."""
    home = prepare(settings)
    overrides: Any = {} if is_captured else {"compute_logs": _NOT_CAPTURED}
    if InstanceRef.from_dir(str(home)).storage_data == InstanceRef.config_defaults(str(home))["storage"]:
        overrides |= held_open(home)  # an instance with a storage of its own keeps it
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ref = InstanceRef.from_dir(str(home), overrides=overrides)
        opened = dg.DagsterInstance.from_ref(ref)
        opened.get_runs(limit=1)
        fcntl.flock(lock, fcntl.LOCK_UN)
    with opened:
        yield opened


def process_tags() -> dict[str, str]:
    """The tag that tells whose process a run lives in."""
    return {PROCESS_TAG: identity()}


def reap(opened: dg.DagsterInstance) -> list[str]:
    """Runs of this host whose process is gone are reported failed, and no run that ended keeps a slot of a pool; the
    run ids of those whose process was gone."""
    unfinished = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    dead = [run for run in opened.get_runs(dg.RunsFilter(statuses=unfinished)) if _is_killed(opened, run)]
    for run in dead:
        opened.report_run_failed(run, message="the process of this run was killed; what it had landed stays")
    slots = opened.event_log_storage
    for run_id in slots.get_concurrency_run_ids():
        holder = opened.get_run_by_id(run_id)
        if holder is None or holder.is_finished:  # Dagster leaves a killed run its slots
            slots.free_concurrency_slots_for_run(run_id)
    return [run.run_id for run in dead]


def _is_killed(opened: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process that runs it is gone. A retry begins with the tags of the run before it, until its own
    process has written its own."""
    process = run.tags.get(PROCESS_TAG)
    if process is None or not is_gone(process):
        return False
    before = opened.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    return before is None or before.tags.get(PROCESS_TAG) != process


@contextlib.contextmanager
def reaping(opened: dg.DagsterInstance) -> Iterator[None]:
    """`reap` now, and again and again until the block ends: its runs may wait for the slot of one that is killed."""
    reap(opened)
    is_over = threading.Event()

    def again() -> None:
        while not is_over.wait(REAP_EVERY_S):
            reap(opened)

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
