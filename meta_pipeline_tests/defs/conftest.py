"""The live objects of a home of its own, for what opens Dagster's instance in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.partitions import settings_of
from meta_pipeline.bootstrap import Runtime


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    for name in ("DAGSTER_HOME", "META_PIPELINE_HOME", "META_PIPELINE_WAREHOUSE"):
        monkeypatch.setenv(name, "")  # so that it is put back: opening an instance sets it
    return Runtime(settings_of(tmp_path))
