"""The cost of a backfill from the UI does not depend on how Dagster splits it into runs: 20 accounts × 10 days become
ten runs of a day each, and cost the report runs of twenty ranges."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.automation_tick_evaluation_context import build_run_requests_with_backfill_policies
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_START_TAG

from harness.home import Home, make_home
from harness.sandbox import Sandbox, serving
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.landing import reports_assets
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.partitions import key
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.runs.console import SILENT_CONSOLE
from meta_pipeline.node_kinds import AD_ACCOUNT, PAGE, NodeKind
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections.node_links import list_links

ACCOUNTS, DAYS = 20, [f"2026-11-{day:02}" for day in range(1, 11)]
IN_REPORT_RUNS = ("ad_insights", "campaign_insights")
REPORTS = (*IN_REPORT_RUNS, "account_insights")  # totals are read at once: they need no report run


def run_as_dagster_splits_it(
    runtime: Runtime, opened: dg.DagsterInstance, keys: list[str], *, kind: NodeKind = AD_ACCOUNT,
    reports: Sequence[str] = REPORTS,
) -> list[dg.RunRequest]:
    """Run a backfill from the UI as the daemon does: Dagster splits it into runs, and each has the backfill's tag."""
    land_reports = reports_assets(runtime.reports, kind)
    graph, assets = AssetGraph.from_assets([land_reports]), [landing_key(name) for name in reports]
    opened.add_backfill(PartitionBackfill.from_asset_partitions(
        backfill_id="fromtheui", asset_graph=graph, partition_names=keys, asset_selection=assets,
        backfill_timestamp=time.time(), tags={}, dynamic_partitions_store=opened, all_partitions=False, title=None,
        description=None, run_config=None,
    ))
    with partition_loading_context(dynamic_partitions_store=opened):
        requests = build_run_requests_with_backfill_policies(
            asset_partitions=[AssetKeyPartitionKey(asset, key) for asset in assets for key in keys], asset_graph=graph,
            dynamic_partitions_store=opened,
        )
    for request in requests:
        dg.materialize(
            [land_reports], instance=opened, resources=resources_of(runtime), selection=request.asset_selection,
            tags={**request.tags, "dagster/backfill": "fromtheui"}, run_config=SILENT_CONSOLE,
        )
    return list(requests)


def test_twenty_accounts_by_ten_days_cost_the_report_runs_of_twenty_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving("--accounts", str(ACCOUNTS)) as sandbox:
        home = make_home(tmp_path, sandbox)
        assert home.run("connect", "--no-browser").returncode == 0
        for name, value in home.environment.items():
            if name.startswith("META_PIPELINE_"):
                monkeypatch.setenv(name, value)
        runtime = Runtime(Settings())
        accounts = [link.id for link in list_links(runtime.engine) if link.kind == "ad_account"]
        keys = [f"{account}|{day}" for account in accounts for day in DAYS]
        before = Counter(sandbox.control("calls"))
        with instance(runtime.settings, is_captured=False) as opened:
            requests = run_as_dagster_splits_it(runtime, opened, keys)
            green = {name: opened.get_materialized_partitions(landing_key(name)) for name in REPORTS}
        calls = Counter(sandbox.control("calls")) - before

    days = [request.tags[ASSET_PARTITION_RANGE_START_TAG].partition("|")[2] for request in requests]
    # If each run fetched only its own day, this split would cost 200 report runs per report.
    assert len(accounts) == ACCOUNTS and sorted(days) == DAYS
    assert all(partition_keys == set(keys) for partition_keys in green.values())
    assert calls["POST /act_{id}/insights"] == ACCOUNTS * len(IN_REPORT_RUNS)
    # One account delivers nothing, and an empty answer is requested twice.
    assert calls["GET /act_{id}/insights"] == ACCOUNTS + 1


def test_three_pages_by_three_days_cost_the_calls_of_three_ranges_and_one_snapshot_each(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.share_clock()  # today has an audience
    assert home.run("connect", "--no-browser").returncode == 0
    for name, value in home.environment.items():
        if name.startswith("META_PIPELINE_"):
            monkeypatch.setenv(name, value)
    runtime = Runtime(Settings())
    links, days = list_links(runtime.engine, kind=PAGE), [dt.date(2026, 11, day) for day in (1, 2, 3)]
    keys = [str(key(link.id, day, PAGE)) for link in links for day in days]
    today = {str(key(link.id, link.today(runtime.now()), PAGE)) for link in links}
    before = Counter(sandbox.control("calls"))
    with instance(runtime.settings, is_captured=False) as opened:
        requests = run_as_dagster_splits_it(
            runtime, opened, keys, kind=PAGE, reports=("page_insights", "page_audience", "page_posts")
        )
        green = {
            name: opened.get_materialized_partitions(landing_key(name)) for name in ("page_insights", "page_posts")
        }
    calls = Counter(sandbox.control("calls")) - before

    assert len(requests) == 3  # as many days as Pages: Dagster splits by day, and every run requests a snapshot
    assert green == {"page_insights": set(keys), "page_posts": today}
    assert calls["GET /{id}/posts"] == len(links)
    # For each Page: the metrics in total, by each of two breakdowns, and its audience.
    assert calls["GET /{id}/insights"] == len(links) * 4
