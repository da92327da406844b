"""One erasure that is killed repeatedly, at chosen moments, and continues in another process each time.

`python -m harness.kills.erasure_kills KIND SUBJECT` runs in the environment of a home: every moment has a process of
its own, forked from this one, that kills itself before or after a call. It prints the reached moments as JSON."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple


class Moment(NamedTuple):
    """Before or after the call number `call` of a function."""

    module: str
    function: str
    when: Literal["before", "after"]
    call: int = 1


_FLOW, _LANDED = "meta_pipeline.flows.leaving.erasing", "meta_pipeline.erasure.landed"
_WAREHOUSES, _HISTORY = "meta_pipeline.erasure.warehouses", "meta_pipeline.erasure.run_history"
_FILES, _ROWS = "meta_pipeline.erasure.loose_files", "meta_pipeline.store.leaving.erased_rows"
_RECEIPT, _ERASURES = "meta_pipeline.erasure.receipt", "meta_pipeline.store.leaving.erasures"
MOMENTS = (
    Moment(_FLOW, "completed", "after"),  # planned, and not recorded
    Moment(_ERASURES, "update", "after"),  # the plan is recorded
    Moment(_ROWS, "count_owned", "after"),
    Moment(_ROWS, "record_erased_nodes", "after"),
    Moment(_ROWS, "_delete_owned", "after", 5),  # in the middle of the tables
    Moment(_ROWS, "erase", "after"),
    Moment(_LANDED, "remove_nodes", "before"),
    Moment(_LANDED, "remove_nodes", "after", 2),
    Moment(_LANDED, "remove_pictures", "after"),
    Moment(_WAREHOUSES, "write_copy", "before"),
    Moment(_WAREHOUSES, "write_copy", "after"),  # the copy is whole, and not in place
    Moment(_WAREHOUSES, "rewrite", "after"),
    Moment(_WAREHOUSES, "remove_published", "before"),  # the complete published file is rewritten, the others are not
    Moment(_WAREHOUSES, "rewrite", "after", 2),
    Moment(_HISTORY, "_runs_of", "after"),
    Moment(_HISTORY, "_erase", "after", 2),
    Moment(_HISTORY, "remove_folder", "before"),  # the rows of the runs are gone, their files are not
    Moment(_HISTORY, "_vacuum", "after"),
    Moment(_FILES, "_rewrite_log", "before"),
    Moment(_FILES, "erase", "after"),
    Moment(_ROWS, "vacuum", "before"),
    Moment(_RECEIPT, "write", "before"),
    Moment(_RECEIPT, "write", "after"),  # the receipt is there, and the erasure has not ended
    Moment(_ROWS, "vacuum", "before"),
)


def _arm(moment: Moment) -> None:
    """Kill this process at the moment."""
    module = importlib.import_module(moment.module)
    original: Callable[..., Any] = getattr(module, moment.function)
    calls = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment.when == "before" and calls == moment.call:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if moment.when == "after" and calls == moment.call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, moment.function, counted)


def _erase(kind: Any, subject: str) -> None:
    from meta_pipeline.bootstrap import Runtime
    from meta_pipeline.flows.leaving.callbacks import request_erasure
    from meta_pipeline.flows.leaving.erasing import run_erasures
    from meta_pipeline.flows.leaving.places import places_of
    from meta_pipeline.settings import Settings
    from meta_pipeline.store.leaving import erasures

    runtime = Runtime(Settings())
    if not erasures.find_all(runtime.engine):
        request_erasure(kind, subject, "test", tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    run_erasures(places_of(runtime))


def main(kind: str, subject: str) -> None:
    """Kill and continue at every moment, then continue to the end."""
    importlib.import_module(_FLOW)
    importlib.import_module("meta_pipeline.bootstrap")
    came: list[str] = []
    for moment in (*MOMENTS, None):
        child = os.fork()
        if child == 0:
            if moment is not None:
                _arm(moment)
            _erase(kind, subject)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if moment is not None and status == -signal.SIGKILL:
            came.append(f"{moment.when} {moment.function}")
        elif status != 0:
            sys.exit(f"{moment}: exit code {status}")
    print(json.dumps(came))


if __name__ == "__main__":
    main(*sys.argv[1:])
