"""Serve the sandbox on loopback, and print when it is ready. Access logs are off: a URL may contain a secret."""

from __future__ import annotations

import datetime as dt
import json
import socket
import sys
from pathlib import Path

import uvicorn

from meta_pipeline.sandbox.app import create_app
from meta_pipeline.sandbox.world.world import ADS_PER_ACCOUNT


def serve(
    *, port: int, seed: int = 1, now: dt.datetime | None = None, scenario: Path | None = None, speed: float = 1.0,
    accounts: int = 6, ads: int = ADS_PER_ACCOUNT,
) -> None:
    """Block until stopped; print `READY <url>` once requests are answered. Exit with one sentence for an unusable
    scenario or a port that is in use."""
    try:
        plan = json.loads(scenario.read_text()) if scenario else []
    except (OSError, ValueError) as error:
        sys.exit(f"error: the scenario {scenario} can't be read: {error}")
    try:
        app = create_app(seed=seed, now=now, scenario=plan, speed=speed, accounts=accounts, ads=ads)
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"error: the scenario {scenario} is invalid: {error!r}")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        sys.exit(f"error: port {port} is in use: choose another with --port, or any free port with --port 0")
    listener.listen(256)
    print(f"READY http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
