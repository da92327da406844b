"""The process of dbt ends with the process that started it, and its death is reported in one sentence."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest

from meta_pipeline.modelling.dbt_process import DbtProcess
from meta_pipeline.modelling.runner import DbtProject
from meta_pipeline.processes.worker_pool import worker_pool

_started: list[DbtProcess] = []  # a build's is in a cache until its process ends


def project(folder: Path) -> DbtProject:
    return DbtProject(
        digest="d", parsed=folder / "p.msgpack", manifest=folder / "p.json", assets=folder / "p.assets.json",
        target=folder / "target", warehouse=folder / "warehouse.duckdb",
    )


def start(folder: Path, handler: signal.Handlers) -> list[int]:
    """Start dbt's process in a process of a pool, as a build does, and return the ids of both. `handler`: of SIGTERM,
    in the process of the pool."""
    signal.signal(signal.SIGTERM, handler)
    dbt = DbtProcess(folder / "build.log")
    dbt.warm_up(folder / "absent.msgpack")
    _started.append(dbt)
    return [os.getpid(), dbt.pid]


def test_a_killed_process_is_reported_and_not_replaced(tmp_path: Path) -> None:
    dbt = DbtProcess(tmp_path / "build.log")
    try:
        psutil.Process(dbt.pid).kill()
        run = dbt.run(project(tmp_path), ["build"])
    finally:
        dbt.end()

    assert run.error == "the dbt process was killed; run `meta-pipeline build` to continue" and run.results == ()


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN], ids=lambda handler: handler.name)
def test_the_process_ends_with_the_worker_that_started_it(tmp_path: Path, handler: signal.Handlers) -> None:
    pids: list[int] = []

    def build() -> None:
        with worker_pool(1) as pool:
            pids.extend(pool.submit(start, tmp_path, handler).result())

    thread = threading.Thread(target=build, daemon=True)
    thread.start()
    thread.join(120)

    assert not thread.is_alive() and len(pids) == 2
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=30)
    assert not alive
