"""The connections page of a new home, connected to a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, make_web


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox) -> Web:
    return make_web(tmp_path, sandbox)
