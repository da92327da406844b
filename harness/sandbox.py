"""A sandbox over real HTTP, in a separate process."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from meta_pipeline import bootstrap

NOW = "2026-11-20T12:00:00+00:00"
COMMAND = (sys.executable, "-m", "meta_pipeline.cli")


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    app: dict[str, str] = field(default_factory=dict)

    def control(self, what: str, body: Any = None, **query: str) -> Any:
        if body is None:
            return requests.get(f"{self.url}/_sandbox/{what}", params=query, timeout=60).json()
        return requests.post(f"{self.url}/_sandbox/{what}", json=body, timeout=60).json()

    def share_clock(self, now: dt.datetime | None = None) -> None:
        """Set this sandbox's clock to the pipeline's, so that tokens expire on the same calendar on any day."""
        self.control("clock", {"now": (now or bootstrap.system_now()).isoformat()})

    def token(self, **body: Any) -> str:
        return str(self.control("tokens", body)["access_token"])


@contextlib.contextmanager
def serving(*options: str, command: Sequence[str] = COMMAND) -> Iterator[Sandbox]:
    """Serve a sandbox over HTTP until the block ends."""
    server = subprocess.Popen(
        [*command, "sandbox", "--port", "0", "--now", NOW, *options],
        stdout=subprocess.PIPE, text=True,
    )
    assert server.stdout is not None
    try:
        sandbox = Sandbox(server.stdout.readline().split()[1])
        sandbox.app = sandbox.control("app")
        yield sandbox
    finally:
        server.terminate()
        server.communicate(timeout=10)
