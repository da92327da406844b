"""Links change while a pull runs: days that land are correct, and days that don't land have a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.faults.faulty_pull import ACCOUNT, DAYS, FaultyPull
from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import relinking
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store.nodes import history

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "the node is lost": ("tasks", {"node": ACCOUNT, "tasks": []}),
    "the task is lost": ("tasks", {"node": ACCOUNT, "tasks": ["DRAFT"]}),
    "the owner takes it back": ("shares", {"node": "act_1000000005", "answer": "take_back"}),
    "the owner changes": ("owners", {"node": ACCOUNT, "business": {"id": "2000000000009", "name": "Foreign Holdings"}}),
    "nobody owns it any longer": ("owners", {"node": ACCOUNT, "business": None}),
}
# The share that the owner takes back is of another account.
HARMLESS = {"the owner changes", "nobody owns it any longer", "the owner takes it back"}


def before_call(graph: Graph, number: int, act: Callable[[], None]) -> None:
    """Call `act` right before the sandbox answers the request with this number, counted from now."""
    answer, left = graph.answer, [number]

    def counted(request: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            act()
        return answer(request)

    graph.answer = counted  # type: ignore[method-assign]


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_change_before_any_call_of_a_pull_leaves_no_wrong_day(tmp_path: Path, change: str, number: int) -> None:
    pull = FaultyPull(tmp_path)
    call, body = CHANGES[change]
    before_call(pull.graph, number, lambda: control(pull.graph, call, body, {}))
    pull.run()
    counts = pull.never_wrong()

    assert counts["landed"] + counts["failed"] == 2 * len(DAYS)
    if change in HARMLESS:
        assert counts["failed"] == 0
    elif number == 1:
        assert counts["landed"] == 0
        assert {result.reason.partition(")")[0] for result in pull.results if isinstance(result, FailedDay)} <= {"(100/33", "(200"}


def test_after_a_discovery_during_a_pull_the_next_pull_has_no_token_for_a_lost_node(runtime: FrozenRuntime, context: PullContext) -> None:
    def lose() -> None:
        control(runtime.graph, "tasks", {"node": ACCOUNT, "tasks": []}, {})
        relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())

    before = list(pulls.land(ACCOUNT, DAYS[:2], ["account_insights"], context=context))
    before_call(runtime.graph, 1, lose)
    during = list(pulls.land(ACCOUNT, DAYS[2:4], ["account_insights"], context=context))
    after = list(pulls.land(ACCOUNT, DAYS[4:], ["account_insights"], context=context))

    assert all(isinstance(result, LandedFile) for result in before)
    assert all(isinstance(result, FailedDay) and "(100/33)" in result.reason for result in during)
    assert all(isinstance(result, FailedDay) and f"no token reads {ACCOUNT}" in result.reason for result in after)
    assert ACCOUNT in history.lost_since(runtime.engine)
