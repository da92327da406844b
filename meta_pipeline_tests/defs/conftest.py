"""A runtime with its own home, for tests that open Dagster's instance in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.partitions import settings_of
from meta_pipeline.bootstrap import Runtime


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(settings_of(tmp_path))
