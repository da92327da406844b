"""The live objects of a home of its own, for what opens Dagster's instance in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.partitions import settings_of
from meta_pipeline.bootstrap import Live


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    for name in ("DAGSTER_HOME", "META_PIPELINE_HOME", "META_PIPELINE_WAREHOUSE"):
        monkeypatch.setenv(name, "")  # so that it is put back: opening an instance sets it
    return Live(settings_of(tmp_path))
