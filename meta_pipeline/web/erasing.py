"""The thread of the web process that carries out erasures: those that Meta requests, and those that a killed process
has left."""

from __future__ import annotations

import logging
import threading

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.flows.leaving.erasing import run_erasures
from meta_pipeline.flows.leaving.places import places_of
from meta_pipeline.records import MetaPipelineError

_LOG = logging.getLogger("meta_pipeline.web")
EVERY_S = 30.0  # between checks for erasures that another process has requested, or that failed


class ErasureThread:
    """Runs the queued erasures when it starts, when it is woken, and every half minute."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._woken = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="erasures", daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def wake(self) -> None:
        """Run the queued erasures now."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the queued erasures."""
        self._is_stopped = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                run_erasures(places_of(self._runtime))
            except MetaPipelineError as error:
                _LOG.error("an erasure failed and is tried again: %s", type(error).__name__)
            except Exception as error:  # a bug in our code; its text may name what is erased
                _LOG.error("an erasure failed: %s", type(error).__name__)
            if self._is_stopped:
                return
            self._woken.wait(EVERY_S)
