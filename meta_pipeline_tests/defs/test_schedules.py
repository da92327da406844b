"""The daily pull reads what is on, and nothing that costs calls unasked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from meta_pipeline import bootstrap
from meta_pipeline.defs.schedules import pull_ads_schedule
from meta_pipeline.extract.ads.catalogue import read_by_default
from meta_pipeline.extract.ads.reports import REPORTS
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.records import NodeLink

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> set[str]:
    for name, value in {"HOME": str(tmp_path), **settings}.items():
        monkeypatch.setenv(f"META_PIPELINE_{name}", value)
    link = NodeLink("ad_account", "act_1", "A", "owned", None, (), "Europe/Berlin", "EUR", "t")
    save(bootstrap.live().engine, Discovery((link,)), through="t", now=NOW)
    with dg.build_schedule_context(scheduled_execution_time=NOW) as context:
        (request,) = pull_ads_schedule(context)
    return {key.path[-1] for key in request.asset_selection or ()}


def test_without_a_file_the_ten_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert read(tmp_path, monkeypatch) == set(read_by_default(REPORTS))


def test_what_a_file_switches_on_is_read_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "reports.toml"
    file.write_text('enabled = ["campaign_reach_28d"]')

    assert read(tmp_path, monkeypatch, REPORTS=str(file)) - set(read_by_default(REPORTS)) == {"campaign_reach_28d"}
