"""A runtime with leads switched on, its own sandbox, and a person who granted every permission."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.flows.connections import consents
from meta_pipeline.records import AccessToken
from meta_pipeline.settings import Settings
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PAGE, OTHER_PAGE = "3000000000001", "3000000000002"
FEATURES = ("leads", "conversations", "webhooks")


@pytest.fixture
def clock(sandbox: Sandbox) -> Callable[[dt.timedelta], dt.datetime]:
    """Return a function that moves the clocks of the runtime and of the sandbox."""
    times = [NOW]

    def advance(duration: dt.timedelta = dt.timedelta()) -> dt.datetime:
        times.append(times[-1] + duration)
        if duration:
            sandbox.control("clock", {"now": times[-1].isoformat()})
        return times[-1]

    return advance


@pytest.fixture
def runtime(tmp_path: Path, sandbox: Sandbox, clock: Callable[[], dt.datetime]) -> Runtime:
    settings = Settings(
        home=tmp_path / "home", vault_keys=new_key(), app_id=sandbox.app["app_id"], app_secret=sandbox.app["app_secret"],
        graph_url=sandbox.url, dialog_url=sandbox.url, features=",".join(FEATURES), samples=50, _env_file=None,
    )
    runtime = Runtime(settings, now=lambda: clock(), sleep=lambda _: None)
    connect(runtime, sandbox.token(scopes=list(scopes_for(3, FEATURES))))
    return runtime


def connect(runtime: Runtime, token: str) -> None:
    """Connect a person with this token."""
    id = consents.accept_token(
        AccessToken(kind="user", value=token), phase=0, through="test", tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    runtime.onboard(id)
