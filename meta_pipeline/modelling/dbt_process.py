"""A process that imports dbt and reads the parsed project while another one imports Dagster: each takes seconds."""

from __future__ import annotations

import contextlib
import multiprocessing.util
from collections.abc import Collection, Sequence
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from meta_pipeline.modelling import runner
from meta_pipeline.modelling.runner import DbtProject, DbtRun
from meta_pipeline.processes.worker_pool import worker_pool

# In the other process: dbt's manifest that was read before there was something to run, and the state of its file then.
_prepared: dict[tuple[str, int, int], Any] = {}


class DbtProcess:
    """The process, which is started by the first call and ends with the one that started it. `log`: where dbt's lines
    go."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._pool: ProcessPoolExecutor | None = None
        self._exit = contextlib.ExitStack()

    def warm_up(self, parsed: Path) -> None:
        """Import dbt, and read the parsed project if it is there."""
        self._started().submit(_prepare, parsed)

    def run(
        self, project: DbtProject, arguments: Sequence[str], *, select: Collection[str] | None = None
    ) -> DbtRun:
        """Run dbt as `run_dbt` does."""
        names = None if select is None else sorted(select)
        try:
            return self._started().submit(_run, project, list(arguments), names, self.log).result()
        except BrokenProcessPool:
            return DbtRun(error="the process of dbt was killed; run `meta-pipeline build` to go on")

    def end(self) -> None:
        """End the process."""
        self._exit.close()
        self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._exit.enter_context(worker_pool(1))
            # A process of `multiprocessing` waits for those that it started before it ends; before that, it closes the
            # queues (with priority 10), through which they learn it.
            multiprocessing.util.Finalize(None, self.end, exitpriority=100)
        return self._pool


def _prepare(parsed: Path) -> None:
    runner.warm_up()
    with contextlib.suppress(OSError):
        _prepared[_state_of(parsed)] = runner.read_parsed(parsed)


def _run(project: DbtProject, arguments: Sequence[str], select: Collection[str] | None, log: Path) -> DbtRun:
    manifest = _prepared.pop(_state_of(project.parsed), None)
    _prepared.clear()
    with log.open("a") as file, contextlib.redirect_stdout(file):
        return runner.run_dbt(project, arguments, select=select, manifest=manifest)


def _state_of(file: Path) -> tuple[str, int, int]:
    state = file.stat()
    return str(file), state.st_ino, state.st_mtime_ns
