"""The fixtures of all tests: a sandbox over real HTTP, and a home in which the command line runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from harness.home import Home, make_home
from harness.sandbox import Sandbox, serving
from meta_pipeline_tests.fakes.alert_receivers import Mail, Receiver

# An example that is slow on a busy machine is no failure.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """Yield a sandbox for tests that only read."""
    with serving() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def shared_web_sandbox() -> Iterator[Sandbox]:
    """For tests of the web application, which set its clock to their own."""
    with serving() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Yield a sandbox for tests that plan faults or move the clock."""
    with serving() as sandbox:
        yield sandbox


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    return make_home(tmp_path, sandbox)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def mail() -> Iterator[Mail]:
    mail = Mail()
    mail.controller.start()
    yield mail
    mail.controller.stop()
