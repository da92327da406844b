"""The Dagster UI as `up` serves it: Dagster's own app behind `Guard`, on loopback.

    python -m meta_pipeline.defs.ui.server --port N --socket FILE [--allow-host NAME]…

It waits until the code server answers on the socket, and shows its definitions."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.workspace.context import IWorkspaceProcessContext, WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)
from dagster_webserver.version import __version__

from meta_pipeline.defs.ui.code_server import is_ready, workspace_file
from meta_pipeline.defs.ui.guard import Guard

HOST = "127.0.0.1"
CHECK_S = 0.3
POLL_MS = 2000  # how often the UI asks for updates: the default of `dagster-webserver`


def guarded_app(context: IWorkspaceProcessContext[Any], *, allowed_hosts: Sequence[str] = ()) -> Guard:
    """Return Dagster's ASGI app for a workspace, behind the guard."""
    app = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MS, lifespan=_lifespan)
    return Guard(app, allowed_hosts=allowed_hosts)


def serve(*, port: int, code: Path, allowed_hosts: Sequence[str]) -> None:
    """Serve the UI of the instance in DAGSTER_HOME until the process is stopped."""
    while not is_ready(code):
        time.sleep(CHECK_S)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        target = WorkspaceFileTarget(paths=[str(workspace_file(code))])
        with WorkspaceProcessContext(instance, workspace_load_target=target, version=__version__) as context:
            app: Any = guarded_app(context, allowed_hosts=allowed_hosts)
            uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False, server_header=False)


@contextlib.asynccontextmanager
async def _lifespan(_: Any) -> AsyncIterator[None]:
    with contextlib.suppress(asyncio.CancelledError):  # how uvicorn ends a lifespan when it is stopped
        yield


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--allow-host", action="append", default=[])
    arguments = parser.parse_args()
    serve(port=arguments.port, code=arguments.socket, allowed_hosts=arguments.allow_host)


if __name__ == "__main__":
    main()
