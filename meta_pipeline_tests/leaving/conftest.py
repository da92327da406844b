"""A home of two customers that is filled once; each test erases from a copy of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.home import Home, copy_home, make_home
from harness.kills.planted_home import TENANTS, connect_system_user, fill
from harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox) -> Home:
    """Return a home to which a person and a system user are connected; both reach every node."""
    path = tmp_path_factory.mktemp("filled")
    (path / "tenants.toml").write_text(TENANTS)
    settings = {"META_PIPELINE_TENANTS": str(path / "tenants.toml"), "META_PIPELINE_SAMPLES": "50"}
    home = make_home(path, shared_sandbox, **settings)
    fill(home)
    connect_system_user(home, shared_sandbox)
    return home


@pytest.fixture
def copied_home(filled_home: Home, tmp_path: Path) -> Home:
    """Return a copy of the filled home whose ledger names the files of the copy."""
    return copy_home(filled_home, tmp_path)
