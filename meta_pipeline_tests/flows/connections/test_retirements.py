"""A metric that Meta retires while days are read: every other value lands, and the dead metric is named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.faults.faulty_node_pull import FaultyNodePull, faulty_world
from harness.nodes.node_truth import NodeTruth, control_of
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, KINDS_BY_NAME, PAGE

FIRST_DAY = dt.date(2026, 6, 10)
# For each kind of node: metrics of the node and of its objects, and more days than one request covers.
RETIRED = {
    PAGE.name: (("page_media_view", "page_follows_city", "post_clicks"), 100),
    INSTAGRAM_ACCOUNT.name: (("reach", "follower_demographics", "total_interactions"), 45),
}


@pytest.fixture(scope="module")
def truth() -> NodeTruth:
    return NodeTruth(control_of(faulty_world()))


@pytest.mark.parametrize("calls_before", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("kind", RETIRED)
def test_metrics_that_retire_in_the_middle_of_a_backfill_lose_no_other_value(
    tmp_path: Path, truth: NodeTruth, kind: str, calls_before: int
) -> None:
    pull = FaultyNodePull(tmp_path, KINDS_BY_NAME[kind], truth=truth)
    names, count = RETIRED[kind]
    pull.days = [FIRST_DAY + dt.timedelta(days=n) for n in range(count)]
    pull.retire_after(calls_before, names)
    pull.run()

    assert pull.never_wrong() == {"landed": len(pull.requested()), "failed": 0}
    assert pull.named <= set(names)
    pull.wait(60)
    pull.run("the same days again")
    assert pull.never_wrong() == {"landed": len(pull.requested()), "failed": 0}
    assert pull.named == set(names)
