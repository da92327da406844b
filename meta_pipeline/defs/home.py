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
from meta_pipeline.project import project_folder
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import naming_errors

LOCATION, DEFINITIONS = "meta_pipeline", "meta_pipeline.definitions"  # as in workspace.yaml
_NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def prepare(settings: Settings) -> Path:
    """Return DAGSTER_HOME, which is under HOME, with the project's files for Dagster in it.

    It is set for this process and its children, as are the settings that Dagster's programs need."""
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    dagster_yaml = (project_folder() / "dagster.yaml").read_text()
    if url := settings.dagster_postgres_url:
        dagster_yaml = postgres.with_postgres(dagster_yaml)
        os.environ[postgres.SETTING] = url.get_secret_value()  # it may come from a .env
    _write_if_changed(home / "dagster.yaml", dagster_yaml)
    _write_if_changed(home / "workspace.yaml", (project_folder() / "workspace.yaml").read_text())
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["META_PIPELINE_HOME"] = str(settings.root)
    os.environ["META_PIPELINE_WAREHOUSE"] = str(settings.warehouse_file)
    return home


def _write_if_changed(file: Path, text: str) -> None:
    """Write a file that is whole at every moment: other processes of this home read it meanwhile."""
    if file.exists() and file.read_text() == text:
        return
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(file)


@contextlib.contextmanager
def instance(settings: Settings, *, is_captured: bool = True) -> Iterator[dg.DagsterInstance]:
    """Yield the Dagster instance of this home. Raise StoreError when its storage can't be used.

    Two processes that start on an empty SQLite home together break it for good, so the first opening is under a file
    lock. `is_captured`: what its steps print is kept for the UI, for which Dagster starts two Python processes and two
    others a step."""
    home = prepare(settings)
    overrides: Any = {} if is_captured else {"compute_logs": _NOT_CAPTURED}
    url = settings.dagster_postgres_url.get_secret_value() if settings.dagster_postgres_url else None
    if url is not None:
        postgres.check(url)
    elif InstanceRef.from_dir(str(home)).storage_data == InstanceRef.config_defaults(str(home))["storage"]:
        overrides |= held_open(home)  # an instance with a storage of its own keeps it
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ref = InstanceRef.from_dir(str(home), overrides=overrides)
        with naming_errors("Dagster's storage", home / "history") if url is None else postgres.naming_errors(url):
            opened = dg.DagsterInstance.from_ref(ref)
            opened.get_runs(limit=1)
        fcntl.flock(lock, fcntl.LOCK_UN)
    with contextlib.nullcontext() if url is None else postgres.naming_errors(url), opened:
        yield opened
