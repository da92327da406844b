"""A process that imports dbt and reads the parsed project while another one imports Dagster: each takes seconds."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Collection, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from meta_pipeline.modelling import runner
from meta_pipeline.modelling.runner import DbtProject, DbtRun
from meta_pipeline.processes.worker_pool import end_with_parent

_ENDS_WITHIN_S = 5.0
# In the dbt process: dbt's manifest that was read ahead, by the state of its file at that time.
_prepared: dict[tuple[str, int, int], Any] = {}


class DbtProcess:
    """The dbt process: the first call starts it, and it ends with the process that started it. `log`: the file for
    dbt's output.

    It is not a pool: a pool has semaphores, and Python warns about those of a killed process."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._started: tuple[SpawnProcess, Connection] | None = None

    @property
    def pid(self) -> int:
        """Return the id of the process; start it if needed."""
        return self._start()[0].pid or 0

    def warm_up(self, parsed: Path) -> None:
        """Import dbt, and read the parsed project if it exists."""
        with contextlib.suppress(OSError):  # it has died: the run reports that
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
            return DbtRun(error="the dbt process was killed; run `meta-pipeline build` to continue")
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
            # A daemon: at its end, a process of `multiprocessing` waits for children that are not daemons.
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            # At its end, a process of `multiprocessing` sends SIGTERM to a daemon and waits for it. The daemon ignores
            # SIGTERM if this process does, and Dagster makes a process do that if it was started with SIGINT ignored,
            # as a script's `&` does.
            Finalize(None, process.kill, exitpriority=0)
            self._started = process, ours
        return self._started


def _serve(connection: Connection) -> None:
    """Call the functions that are sent, until the connection is closed; send back the result of each run."""
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
    """Compile the macros of the manifest that was read ahead, one for each step of the iterator."""
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
