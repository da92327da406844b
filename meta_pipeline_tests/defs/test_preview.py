"""The published asset gets a chart once a day, and never during a command that somebody waits for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.defs.assets.preview import preview_metadata
from meta_pipeline.defs.runs.killed_runs import process_tags
from meta_pipeline_tests.fakes.published_marts import publish_marts

NOW = dt.datetime(2026, 11, 27, 6, tzinfo=dt.UTC)
YESTERDAY = NOW - dt.timedelta(hours=7)


def metadata(published: str, *, tags: dict[str, str] | None = None, last_at: dt.datetime | None = YESTERDAY) -> set[str]:
    return set(preview_metadata(published, run_tags=tags or {}, last_at=last_at, now=NOW))


def test_the_first_publication_of_a_day_has_a_chart(tmp_path: Path) -> None:
    published = publish_marts(tmp_path / "warehouse.duckdb")
    shown = preview_metadata(published, run_tags={}, last_at=None, now=NOW)

    assert (shown["preview"].value or "").startswith("![Spend and ROAS by day, in the currency with most accounts](data:image/jpeg;base64,")
    assert metadata(published) == {"preview"}


def test_a_command_and_a_later_publication_of_the_day_draw_no_chart(tmp_path: Path) -> None:
    published = str(tmp_path / "missing.duckdb")  # it is not opened

    assert metadata(published, tags=process_tags()) == metadata(published, last_at=NOW) == set()


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_chart_that_cannot_be_drawn_fails_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(content)

    assert metadata(str(tmp_path / "warehouse.duckdb")) == set()
