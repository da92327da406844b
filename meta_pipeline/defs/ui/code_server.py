"""The code server that the UI, the daemon and every run of `up` share.

Without one, the daemon starts another about every minute."""

from __future__ import annotations

import json
from pathlib import Path

from meta_pipeline.defs.home import DEFINITIONS, LOCATION


def arguments(socket: Path) -> list[str]:
    """Return the arguments of `python -m dagster` that serve the definitions on a Unix socket."""
    return [
        "code-server", "start", "--module-name", DEFINITIONS, "--location-name", LOCATION, "--socket", str(socket),
        "--use-python-environment-entry-point",
    ]


def workspace_file(socket: Path) -> Path:
    """Return the workspace file beside the socket, which `write_workspace` writes."""
    return socket.with_name("workspace.yaml")


def write_workspace(socket: Path) -> Path:
    """Write the workspace file that points at the socket. JSON is YAML."""
    file = workspace_file(socket)
    file.write_text(json.dumps({"load_from": [{"grpc_server": {"socket": str(socket), "location_name": LOCATION}}]}))
    return file


def is_ready(socket: Path) -> bool:
    """Return whether the server answers. It does after it has loaded the definitions, or failed to load them."""
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient

    try:
        DagsterGrpcClient(socket=str(socket)).heartbeat("up")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def load_error(socket: Path) -> str | None:
    """Return why the definitions can't be loaded, on one line, or None."""
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient
    from dagster._grpc.types import ListRepositoriesResponse
    from dagster._serdes import deserialize_value
    from dagster_shared.error import SerializableErrorInfo

    try:
        answer = deserialize_value(
            DagsterGrpcClient(socket=str(socket)).list_repositories(),
            (ListRepositoriesResponse, SerializableErrorInfo),
        )
    except DagsterUserCodeUnreachableError as error:
        return str(error)
    if not isinstance(answer, SerializableErrorInfo):
        return None
    cause = answer
    while cause.cause is not None:
        cause = cause.cause
    return " ".join(cause.message.split())
