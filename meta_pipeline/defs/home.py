"""DAGSTER_HOME: the project's dagster.yaml and workspace.yaml in it, and its instance, which is opened here."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from meta_pipeline.defs import postgres
from meta_pipeline.defs.storage import held_open
from meta_pipeline.processes.environment import exported
from meta_pipeline.project import project_folder
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import naming_errors

LOCATION, DEFINITIONS = "meta_pipeline", "meta_pipeline.definitions"  # as in workspace.yaml
_NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def prepare(settings: Settings) -> Path:
    """Write the project's dagster.yaml and workspace.yaml to Dagster's folder under HOME, and return the folder."""
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    dagster_yaml = (project_folder() / "dagster.yaml").read_text()
    if settings.dagster_postgres_url:
        dagster_yaml = postgres.with_postgres(dagster_yaml)
    _write_if_changed(home / "dagster.yaml", dagster_yaml)
    _write_if_changed(home / "workspace.yaml", (project_folder() / "workspace.yaml").read_text())
    return home


def _write_if_changed(file: Path, text: str) -> None:
    """Write a file atomically, because other processes of this home may read it meanwhile."""
    if file.exists() and file.read_text() == text:
        return
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(file)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment of Dagster's own programs on this home."""
    environment = {"DAGSTER_HOME": str(settings.root / "dagster"), "META_PIPELINE_HOME": str(settings.root)}
    if url := settings.dagster_postgres_url:
        environment[postgres.SETTING] = url.get_secret_value()  # dagster.yaml refers to it
    return environment


@contextlib.contextmanager
def instance(settings: Settings, *, is_captured: bool = True) -> Iterator[dg.DagsterInstance]:
    """Yield the Dagster instance of this home. Raise StoreError when its storage can't be used.

    `is_captured`: the output of its steps is stored for the UI; for this Dagster starts two Python processes and two
    others per step."""
    home = prepare(settings)
    overrides: Any = {} if is_captured else {"compute_logs": _NOT_CAPTURED}
    if settings.dagster_postgres_url:
        url = settings.dagster_postgres_url.get_secret_value()
        postgres.check(url, store_url=settings.store)
        with exported(**{postgres.SETTING: url}), postgres.naming_errors(url), _open(home, overrides) as opened:
            yield opened
        return
    if InstanceRef.from_dir(str(home)).storage_data == InstanceRef.config_defaults(str(home))["storage"]:
        overrides |= held_open(home)  # unless dagster.yaml has another storage
    with naming_errors("Dagster's storage", home / "history"):
        opened = _open(home, overrides)
    with opened:
        yield opened


def _open(home: Path, overrides: Any) -> dg.DagsterInstance:
    """Open an instance under a file lock: two processes that start on an empty SQLite home together break it."""
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opened = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))
        opened.get_runs(limit=1)
        fcntl.flock(lock, fcntl.LOCK_UN)
    return opened
