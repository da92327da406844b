"""The fixtures of the flows' tests: a sandbox without a network on a frozen clock, and a pull on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.landing.landing import Landing
from meta_pipeline_tests.fakes.listed_account import ListedAccount


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    """A runtime to which a system user's token is connected."""
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    return runtime


@pytest.fixture
def context(runtime: FrozenRuntime, tmp_path: Path) -> PullContext:
    """The context of a pull that lands in the test's folder."""
    return PullContext(
        graph=runtime.client, tokens=runtime.vault, landing=Landing(str(tmp_path / "landing"), runtime.engine),
        engine=runtime.engine, run_id="r", backfill_id="b", sleep=runtime.clock.sleep, now=runtime.clock.now,
    )


@pytest.fixture
def listed(tmp_path: Path) -> ListedAccount:
    """An account with a campaign, an ad set, three ads and the two creatives that they refer to."""
    listed = ListedAccount(tmp_path)
    listed.fill()
    return listed
