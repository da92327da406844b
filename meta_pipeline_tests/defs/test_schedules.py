"""The daily pull reads what is on, and nothing that costs calls unasked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.schedules import pull_ads_schedule, pull_entities_schedule
from meta_pipeline.extract.ads.catalogue.report_file import default_reports
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.records import NodeLink
from meta_pipeline.settings import Settings

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def read(tmp_path: Path, **settings: Any) -> set[str]:
    runtime = Runtime(Settings(home=tmp_path, _env_file=None, **settings))
    link = NodeLink(
        kind="ad_account", id="act_1", name="A", access="owned", owner_business=None, tasks=(),
        timezone="Europe/Berlin", currency="EUR", token_ref="t",
    )
    save(runtime.engine, Discovery((link,)), through="t", now=NOW)
    with dg.build_schedule_context(scheduled_execution_time=NOW, resources={"runtime": runtime}) as context:
        (request,) = pull_ads_schedule.evaluate_tick(context).run_requests or ()
    return {key.path[-1] for key in request.asset_selection or ()}


def test_without_a_file_the_ten_are_read(tmp_path: Path) -> None:
    assert read(tmp_path) == set(default_reports(REPORTS))


def test_what_a_file_switches_on_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('enabled = ["campaign_reach_28d"]')

    assert read(tmp_path, reports=str(file)) - set(default_reports(REPORTS)) == {"campaign_reach_28d"}


def test_a_tick_without_an_account_says_so(tmp_path: Path) -> None:
    runtime = Runtime(Settings(home=tmp_path, _env_file=None))
    for schedule in (pull_ads_schedule, pull_entities_schedule):
        with dg.build_schedule_context(scheduled_execution_time=NOW, resources={"runtime": runtime}) as context:
            assert "No ad account is connected yet" in (schedule.evaluate_tick(context).skip_message or "")
