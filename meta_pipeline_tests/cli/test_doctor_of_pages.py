"""`doctor` on Pages and Instagram accounts: days that are overdue, metrics that Meta refuses or leaves empty."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor import checks, daily_work
from meta_pipeline.cli.doctor.check_result import CheckResult
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PACIFIC, PAGE
from meta_pipeline.records import LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.status import metric_health
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.pulls.metric_states import MetricState
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime whose home has two Pages, 3 and 4, and an Instagram account, 5."""
    runtime = Runtime(Settings(home=tmp_path, vault_keys=new_key(), app_id="1", app_secret="s", _env_file=None))
    nodes = tuple(
        NodeLink(
            kind=kind.name, id=node_id, name=f"Name {node_id}", access="owned", owner_business=None, tasks=(),
            timezone=PACIFIC, currency=None, token_ref="t",
        )
        for kind, node_id in ((PAGE, "3"), (PAGE, "4"), (INSTAGRAM_ACCOUNT, "5"))
    )
    links.save(runtime.engine, Discovery(nodes), through="t", now=NOW)
    return runtime


def overdue_days(runtime: Runtime, *, now: dt.datetime = NOW) -> CheckResult:
    (result,) = [result for result in daily_work.check_daily_work(runtime, now=now) if result.name == "overdue days"]
    return result


def test_days_of_pages_and_instagram_accounts_are_overdue_until_they_settle(runtime: Runtime) -> None:
    for node_id, report in (("3", "page_insights"), ("5", "instagram_insights")):
        for age in range(1, 8):
            day = NOW.date() - dt.timedelta(days=age)
            for at in (NOW - 48 * HOUR, NOW):
                if at.date() > day:
                    ledger.record(runtime.engine, LandedFile(
                        report=report, node_id=node_id, day=day, path="p", rows=1, digest="d", landed_at=at,
                    ), backfill_id=None)

    assert overdue_days(runtime).message == "none"
    overdue = overdue_days(runtime, now=NOW + 72 * HOUR)
    # For each node: two days that were less than two days old when they were read, and the one that had not ended.
    assert not overdue.is_ok and overdue.message.startswith("6 days of 3, 5 overdue")


def test_a_metric_that_meta_refuses_is_reported_until_it_is_switched_off(runtime: Runtime, tmp_path: Path) -> None:
    states = [
        MetricState(
            node_id=node_id, report="page_insights", metric=metric, requested_at=NOW, dead_since=dead_since,
            reason="(100) The value must be a valid insights metric" if dead_since else None,
            empty_since=None if dead_since else empty_since,
        )
        for node_id, empty_since in (("3", NOW), ("4", None))
        for metric, dead_since in (("page_media_view", NOW), ("page_post_engagements", None))
    ]
    metric_states.save(runtime.engine, states)
    results = [result for result in checks.run_checks(runtime) if result.name == "metrics"][1:]

    assert [(result.is_ok, result.message) for result in results] == [
        (False, "Meta refuses page_media_view in page_insights of Name 3, Name 4 since 2026-11-27 ((100) The value must "
         "be a valid insights metric); all other metrics are read. If Meta has retired it, set its valid_to in "
         "META_PIPELINE_METRICS"),
        (True, "page_insights of Name 3 is empty since 2026-11-27: Meta returns no figures for small nodes (fewer than 100 "
         "followers)"),
    ]
    file = tmp_path / "metrics.toml"
    file.write_text("[metrics.page_media_view]\nvalid_to = 2026-11-01\n")
    switched_off = Runtime(runtime.settings.model_copy(update={"metrics": file}))
    assert metric_health.dead_metrics(switched_off.engine, metrics=switched_off.metrics, now=NOW) == []
