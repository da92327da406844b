"""A process that imports dbt and reads the parsed project while another one imports Dagster: each takes seconds."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Collection, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from meta_pipeline.modelling import runner
from meta_pipeline.modelling.runner import DbtProject, DbtRun
from meta_pipeline.processes.worker_pool import end_with_parent

_ENDS_WITHIN_S = 5.0
# In the other process: dbt's manifest that was read before there was something to run, and the state of its file then.
_prepared: dict[tuple[str, int, int], Any] = {}


class DbtProcess:
    """The process, which is started by the first call and ends with the one that started it. `log`: where dbt's lines
    go.

    It is no pool: a pool has semaphores, and Python warns of those that a killed process leaves."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._started: tuple[SpawnProcess, Connection] | None = None

    @property
    def pid(self) -> int:
        """Return the id of the process, which is started if it is not."""
        return self._start()[0].pid or 0

    def warm_up(self, parsed: Path) -> None:
        """Import dbt, and read the parsed project if it is there."""
        with contextlib.suppress(OSError):  # it has died: the run says so
            self._start()[1].send((_prepare, (parsed,)))

    def run(
        self, project: DbtProject, arguments: Sequence[str], *, select: Collection[str] | None = None
    ) -> DbtRun:
        """Run dbt as `run_dbt` does."""
        names = None if select is None else sorted(select)
        _, connection = self._start()
        try:
            connection.send((_run, (project, list(arguments), names, self.log)))
            result = connection.recv()
        except (EOFError, OSError):
            self.end()
            return DbtRun(error="the process of dbt was killed; run `meta-pipeline build` to go on")
        if isinstance(result, BaseException):
            raise result
        ran: DbtRun = result
        return ran

    def end(self) -> None:
        """End the process."""
        if self._started is None:
            return
        process, connection = self._started
        self._started = None
        connection.close()
        process.join(_ENDS_WITHIN_S)
        process.kill()
        process.join()

    def _start(self) -> tuple[SpawnProcess, Connection]:
        if self._started is None:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            # A daemon: a process of `multiprocessing` would wait at its own end for one that is none.
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._started = process, ours
        return self._started


def _serve(connection: Connection) -> None:
    """Do what is sent, until the other end is closed; send the result of each run."""
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):
        while True:
            work: tuple[Callable[..., Any], tuple[Any, ...]] = connection.recv()
            function, arguments = work
            try:
                result = function(*arguments)
            except Exception as error:
                result = error
            if function is _run:
                connection.send(result)
            for _ in _compile_ahead():
                if connection.poll():
                    break


def _prepare(parsed: Path) -> None:
    runner.warm_up()
    with contextlib.suppress(OSError):
        manifest = _prepared[_state_of(parsed)] = runner.read_parsed(parsed)
        runner.list_nothing(manifest, target=parsed.parent / "target")


def _compile_ahead() -> Iterator[None]:
    """Compile the macros of the manifest that was read, until there is something to do."""
    for manifest in list(_prepared.values()):
        yield from runner.compile_macros(manifest)


def _run(project: DbtProject, arguments: Sequence[str], select: Collection[str] | None, log: Path) -> DbtRun:
    manifest = _prepared.pop(_state_of(project.parsed), None)
    _prepared.clear()
    with log.open("a") as file, contextlib.redirect_stdout(file):
        return runner.run_dbt(project, arguments, select=select, manifest=manifest)


def _state_of(file: Path) -> tuple[str, int, int]:
    state = file.stat()
    return str(file), state.st_ino, state.st_mtime_ns
