"""The scheduled pulls read reports that are switched on and days that are due, and nothing else."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from harness.partitions import NOW, link, node_ids, requests_of
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.partitions import days_by_node
from meta_pipeline.defs.sensors import waiting_ranges_sensor
from meta_pipeline.extract.ads.catalogue.report_file import default_reports
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.linker.links import settle
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, NODE_KINDS, PAGE, NodeKind
from meta_pipeline.records import LandedFile
from meta_pipeline.settings import Settings
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.nodes import choices, history
from meta_pipeline.store.pulls import deferrals
from meta_pipeline.store.schema.nodes import node_links

DAY = dt.timedelta(days=1)
TODAY, YESTERDAY = dt.date(2026, 11, 20), dt.date(2026, 11, 19)  # at NOW, in Los Angeles as in Berlin
BY_KIND = pytest.mark.parametrize("kind", (PAGE, INSTAGRAM_ACCOUNT), ids=lambda kind: str(kind.name))
SNAPSHOTS = {
    PAGE.name: {"page_audience", "page_posts"},
    INSTAGRAM_ACCOUNT.name: {"instagram_demographics", "instagram_media"},
}


def runtime_of(tmp_path: Path, **settings: Any) -> Runtime:
    return Runtime(Settings(home=tmp_path, _env_file=None, **settings), now=lambda: NOW)


def shown(request: dg.RunRequest) -> tuple[set[str], tuple[dt.date, ...]]:
    """Return the reports and the first and last day of a request."""
    keys = [request.tags[tag] for tag in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)]
    (days,) = days_by_node(keys).values()
    return {key.path[-1] for key in request.asset_selection or ()}, tuple(days)


def land(runtime: Runtime, report: str, node_id: str, day: dt.date, *reads: tuple[dt.datetime, str]) -> None:
    """Record reads of a day, each with its time and the digest of its content."""
    for at, digest in reads:
        ledger.record(runtime.engine, LandedFile(
            report=report, node_id=node_id, day=day, path="p", rows=1, digest=digest, landed_at=at,
        ), backfill_id=None)


def reports_of_ads(runtime: Runtime) -> set[str]:
    link(runtime, 1)
    (request,) = requests_of(runtime)
    return shown(request)[0]


OF_ADS = {*default_reports(REPORTS), "account_activities"}


def test_without_a_file_the_default_reports_are_read(tmp_path: Path) -> None:
    assert reports_of_ads(runtime_of(tmp_path)) == OF_ADS


def test_a_report_that_a_file_switches_on_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('enabled = ["campaign_reach_28d"]')

    assert reports_of_ads(runtime_of(tmp_path, reports=str(file))) - OF_ADS == {"campaign_reach_28d"}


@BY_KIND
def test_a_new_node_is_read_for_28_days_and_its_snapshots_for_today(tmp_path: Path, kind: NodeKind) -> None:
    runtime = runtime_of(tmp_path)
    link(runtime, 1, kind)
    days, snapshots = requests_of(runtime, f"{kind.job}_schedule")

    assert shown(days)[1] == (TODAY - 28 * DAY, YESTERDAY)
    assert shown(snapshots) == (SNAPSHOTS[kind.name], (TODAY, TODAY))  # in its own run; stories have another schedule
    assert {days.tags[f"meta/{kind.name}"], snapshots.tags[f"meta/{kind.name}"]} == set(node_ids(1, kind))
    assert len({days.run_key, snapshots.run_key}) == 2


@pytest.mark.parametrize("kind", NODE_KINDS, ids=lambda kind: str(kind.name))
@pytest.mark.parametrize(("ceiling", "floor", "days_back"), [(10, 0, 10), (10, 14, 14), (400, 0, 28)])
def test_days_that_a_ceiling_expires_at_once_are_not_read(
    tmp_path: Path, kind: NodeKind, ceiling: int, floor: int, days_back: int
) -> None:
    (node_id,), file = node_ids(1, kind), tmp_path / "intake.toml"
    file.write_text(f'[tenants.one]\nnodes = ["{node_id}"]\nretention_ceiling_days = {ceiling}\nretention_floor_days = {floor}\n')
    if floor > ceiling:  # the floor of another tenant: a tenant's own floor can't exceed its ceiling
        file.write_text(
            f'[tenants.one]\nnodes = ["{node_id}"]\nretention_ceiling_days = {ceiling}\n'
            f'[tenants.two]\nnodes = ["{node_id}"]\nretention_floor_days = {floor}\n'
        )
    runtime = runtime_of(tmp_path, tenants=str(file))
    link(runtime, 1, kind)
    days = requests_of(runtime, f"{kind.job}_schedule")[0]

    assert shown(days)[1] == (TODAY - days_back * DAY, YESTERDAY)


@BY_KIND
def test_days_are_read_until_they_settle_and_nothing_is_read_twice_a_day(tmp_path: Path, kind: NodeKind) -> None:
    runtime, (node_id,) = runtime_of(tmp_path), node_ids(1, kind)
    link(runtime, 1, kind)
    report = f"{kind.source.removeprefix('meta_').removesuffix('s')}_insights"
    day_before = NOW - DAY
    for age in range(2, 29):
        day = TODAY - age * DAY
        if age >= 6:  # complete, and unchanged for a day
            land(runtime, report, node_id, day, (day_before - 2 * DAY, "a"), (day_before, "a"))
        elif age == 5:  # changed at the last read
            land(runtime, report, node_id, day, (day_before - 2 * DAY, "a"), (day_before, "b"))
        else:  # too young to be complete when it was read
            land(runtime, report, node_id, day, (day_before - 2 * DAY, "a"), (day_before, "a"))
    for name in SNAPSHOTS[kind.name]:
        land(runtime, name, node_id, TODAY, (NOW, "a"))
    evaluate = functools.partial(requests_of, runtime, f"{kind.job}_schedule")
    (request,) = evaluate()
    assert shown(request) == ({report}, (TODAY - 5 * DAY, YESTERDAY))

    for age in range(1, 6):
        land(runtime, report, node_id, TODAY - age * DAY, (NOW, "c"))
    (skipped,) = evaluate(now=NOW + DAY / 4)
    assert skipped.skip_message == f"No day of the 1 {kind.plural} is due: all were read since their midnight."


def test_stories_are_read_every_hour_and_nothing_else_is(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    link(runtime, 2, INSTAGRAM_ACCOUNT)
    hours = [requests_of(runtime, "pull_stories_schedule", now=NOW + n * DAY / 24) for n in range(3)]

    assert [[shown(request) for request in requests] for requests in hours] == [
        [({"instagram_stories"}, (TODAY, TODAY))] * 2
    ] * 3
    assert len({request.run_key for requests in hours for request in requests}) == 6


@pytest.mark.parametrize(
    ("schedule", "kind"),
    [*((f"{kind.job}_schedule", kind) for kind in NODE_KINDS), ("pull_stories_schedule", INSTAGRAM_ACCOUNT)],
)
def test_without_a_node_a_schedule_says_how_to_connect(tmp_path: Path, schedule: str, kind: NodeKind) -> None:
    (skipped,) = requests_of(runtime_of(tmp_path), schedule)

    assert skipped.skip_message == (
        f"No {kind.noun} is connected yet: open the connections page, or run `meta-pipeline connect`."
    )


@pytest.mark.parametrize(
    ("kind", "deferred", "requested"),
    [
        (AD_ACCOUNT, {"ad_insights": (3, 1), "account_insights": (2, 1)}, [({"ad_insights", "account_insights"}, (3, 1))]),
        (PAGE, {"page_insights": (9, 5), "page_posts": (0, 0)}, [({"page_insights"}, (9, 5)), ({"page_posts"}, (0, 0))]),
        (INSTAGRAM_ACCOUNT, {"instagram_stories": (1, 1)}, [({"instagram_stories"}, (1, 1))]),
    ],
)
def test_ranges_that_waited_for_a_limit_are_continued_by_the_job_of_their_kind(
    tmp_path: Path, kind: NodeKind, deferred: dict[str, tuple[int, int]],
    requested: list[tuple[set[str], tuple[int, int]]],
) -> None:
    runtime, (node_id,) = runtime_of(tmp_path), node_ids(1, kind)
    for report, (first, last) in deferred.items():
        deferrals.defer(
            runtime.engine, backfill_id="b", node_id=node_id, report=report, since=TODAY - first * DAY,
            until=TODAY - last * DAY, retry_at=NOW, reason="a limit",
        )
    with dg.build_sensor_context(resources={"runtime": runtime}) as context:
        requests = waiting_ranges_sensor.evaluate_tick(context).run_requests or ()

    assert [shown(request) for request in requests] == [
        (names, (TODAY - first * DAY, TODAY - last * DAY)) for names, (first, last) in requested
    ]
    assert {(request.job_name, request.tags[f"meta/{kind.name}"]) for request in requests} == {(kind.job, node_id)}
    assert len({request.run_key for request in requests}) == len(requests)


@pytest.mark.parametrize("choice", ["paused", "left_out"])
def test_paused_and_left_out_nodes_are_not_requested_and_the_skip_says_so(tmp_path: Path, choice: choices.Choice) -> None:
    runtime = runtime_of(tmp_path)
    link(runtime, 2)
    first, second = node_ids(2)
    choices.save(runtime.engine, [first], choice, chosen_by="a test", now=NOW)
    assert {request.tags["meta/ad_account"] for request in requests_of(runtime)} == {second}

    choices.save(runtime.engine, [second], choice, chosen_by="a test", now=NOW)
    for schedule in ("pull_ads_schedule", "pull_entities_schedule"):
        (skip,) = requests_of(runtime, schedule)
        assert skip.skip_message and "None of the 2 ad accounts is read: `meta-pipeline nodes list`" in skip.skip_message


def test_a_lost_node_is_requested_until_the_grace_period_ends_and_again_once_it_is_back(tmp_path: Path) -> None:
    lost_at = NOW - 7 * DAY
    runtime = runtime_of(tmp_path, lost_grace_days=7)
    link(runtime, 1)
    (node_id,) = node_ids(1)
    with runtime.engine.begin() as connection:
        connection.execute(node_links.update().values(lost_at=lost_at + dt.timedelta(seconds=1)))
    assert isinstance(requests_of(runtime)[0], dg.RunRequest)
    with runtime.engine.begin() as connection:
        connection.execute(node_links.update().values(lost_at=lost_at))
    assert isinstance(requests_of(runtime)[0], dg.SkipReason)

    settle(runtime.engine, now=NOW)  # a token reaches it
    assert [change.change for change in history.changes(runtime.engine, node_id=node_id)] == ["back", "new"]
    assert isinstance(requests_of(runtime)[0], dg.RunRequest)
