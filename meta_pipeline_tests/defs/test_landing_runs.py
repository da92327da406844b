"""The partitions that a run turns green or red: the days that landed, and for a snapshot only the day of the read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pytest

from harness.partitions import NOW, node_ids, run_reports
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.partitions import NODES, key, range_tags
from meta_pipeline.defs.runs.results import failure_sentence
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, NODE_KINDS, PAGE, NodeKind
from meta_pipeline.records import FailedDay

SINCE, UNTIL, TODAY = dt.date(2026, 11, 1), dt.date(2026, 11, 3), NOW.date()
REPORTS = {
    PAGE.name: ("page_insights", "page_posts"),
    INSTAGRAM_ACCOUNT.name: ("instagram_insights", "instagram_media", "instagram_stories"),
}
BY_KIND = pytest.mark.parametrize("kind", (PAGE, INSTAGRAM_ACCOUNT), ids=lambda kind: str(kind.name))


@pytest.fixture
def opened(runtime: Runtime) -> Iterator[dg.DagsterInstance]:
    with instance(runtime.settings, is_captured=False) as opened:
        for kind in NODE_KINDS:
            opened.add_dynamic_partitions(str(NODES[kind.name].name), node_ids(1, kind))
        yield opened


@BY_KIND
def test_a_snapshot_of_past_days_is_green_today_only_and_no_failure(
    runtime: Runtime, opened: dg.DagsterInstance, kind: NodeKind
) -> None:
    (node_id,) = node_ids(1, kind)
    ended = run_reports(
        opened, runtime, kind, tags=range_tags(node_id, SINCE, UNTIL, kind), reports=REPORTS[kind.name]
    )

    of_days, *snapshots = REPORTS[kind.name]
    assert ended.success
    assert opened.get_materialized_partitions(landing_key(of_days)) == {
        str(key(node_id, day, kind)) for day in (SINCE, dt.date(2026, 11, 2), UNTIL)
    }
    for name in snapshots:
        assert opened.get_materialized_partitions(landing_key(name)) == {str(key(node_id, TODAY, kind))}
    messages = [event.user_message for event in opened.all_logs(ended.run_id)]
    for name in snapshots:
        sentence = f"{name} shows the state at the time of the read: it landed under {TODAY} only, not under the days that"
        assert sum(sentence in message for message in messages) == 1
    assert not any(of_days in message and "shows the state" in message for message in messages)


@BY_KIND
def test_a_day_that_fails_is_red_with_its_reason_and_the_others_are_green(
    runtime: Runtime, opened: dg.DagsterInstance, kind: NodeKind
) -> None:
    (node_id,) = node_ids(1, kind)
    of_days, snapshot, *_ = REPORTS[kind.name]
    reasons = [
        FailedDay(report=of_days, node_id=node_id, day=UNTIL, reason="the token lacks a permission"),
        FailedDay(report=snapshot, node_id=node_id, day=TODAY, reason="the limit is reached"),
    ]
    ended = run_reports(
        opened, runtime, kind, tags=range_tags(node_id, SINCE, UNTIL, kind), reports=(of_days,), failed=reasons
    )

    assert not ended.success
    assert failure_sentence(ended) == (
        f"2 day(s) did not land: {of_days} {node_id}: the token lacks a permission · {snapshot} {node_id}: the limit "
        "is reached"
    )


def test_a_run_without_a_partition_names_the_kind_of_node(runtime: Runtime, opened: dg.DagsterInstance) -> None:
    opened.add_dynamic_partitions(str(NODES[PAGE.name].name), node_ids(2, PAGE))
    first, second = node_ids(2, PAGE)
    tags = range_tags(second, SINCE, UNTIL, PAGE) | {
        tag: text for tag, text in range_tags(first, SINCE, UNTIL, PAGE).items() if tag.endswith("end")
    }
    ended = run_reports(opened, runtime, PAGE, tags=tags, reports=("page_insights",))

    assert failure_sentence(ended) == "this range has no partition: choose days of one Page"
