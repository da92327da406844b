"""Dagster's home: our dagster.yaml put into it, and the instance made once."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from meta_pipeline.defs.storage import held_open
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import naming_errors

LOCATION, DEFINITIONS = "meta_pipeline", "meta_pipeline.definitions"  # as in workspace.yaml
PROJECT = Path(__file__).resolve().parents[2]
_NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def prepare(settings: Settings) -> Path:
    """Write the project's dagster.yaml to Dagster's folder under HOME, and return the folder."""
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted, kept = (PROJECT / "dagster.yaml").read_bytes(), home / "dagster.yaml"
    if not kept.exists() or kept.read_bytes() != wanted:
        fresh = home / f".{kept.name}.{os.getpid()}"
        fresh.write_bytes(wanted)
        fresh.replace(kept)  # whole at every moment: other processes of this home read it meanwhile
    return home


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment of Dagster's own programs on this home."""
    return {"DAGSTER_HOME": str(settings.root / "dagster"), "META_PIPELINE_HOME": str(settings.root)}


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
        with naming_errors("Dagster's storage", home / "history"):
            opened = dg.DagsterInstance.from_ref(ref)
            opened.get_runs(limit=1)
        fcntl.flock(lock, fcntl.LOCK_UN)
    with opened:
        yield opened
