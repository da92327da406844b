"""No flow makes a call about a paused node, and a node that is resumed keeps its history."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import consents, relinking
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy, land_entities
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.records import FailedDay, LandedFile, VaultError
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.nodes import choices, history

ACCOUNT, PAGE, INSTAGRAM = "act_1000000001", "3000000000001", "17841400000000001"
REPORTS = {ACCOUNT: "account_insights", PAGE: "page_insights", INSTAGRAM: "instagram_insights"}
DAYS = [dt.date(2026, 10, 5), dt.date(2026, 10, 6)]


def choose(runtime: FrozenRuntime, node_id: str, choice: choices.Choice) -> None:
    choices.save(runtime.engine, [node_id], choice, chosen_by="a test", now=runtime.clock.now())


def calls_about(runtime: FrozenRuntime, node_id: str) -> int:
    return sum(event.node_id == node_id for event in runtime.events)


@pytest.mark.parametrize("node_id", list(REPORTS))
def test_a_paused_node_is_not_called_by_pulls_listings_prefetches_and_first_looks(
    runtime: FrozenRuntime, context: PullContext, node_id: str
) -> None:
    choose(runtime, node_id, "paused")
    before = len(runtime.events)
    failed = list(pulls.land(node_id, DAYS, [REPORTS[node_id]], context=context))
    pulls.prefetch_runs(node_id, DAYS, [REPORTS[node_id]], context=context)
    with pytest.raises(VaultError, match="is paused"):
        list(land_entities(node_id, context=context, listing_policy=ListingPolicy()))
    onboardings.start(runtime.engine, "o", phase=1, through="a test", browser=None, holder=None, now=runtime.clock.now())
    link = find_link(runtime.engine, node_id)
    assert link is not None
    consents.first_look("o", [link], graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())

    assert len(runtime.events) == before
    assert {result.day for result in failed if isinstance(result, FailedDay)} == set(DAYS)
    assert {result.reason for result in failed if isinstance(result, FailedDay)} == {
        f"{node_id} is paused: `meta-pipeline nodes resume {node_id}` reads it again"
    }
    assert calls_about(runtime, node_id) == 0


def test_a_node_that_is_resumed_lands_what_it_missed_and_keeps_its_history(runtime: FrozenRuntime, context: PullContext) -> None:
    (first,) = pulls.land(ACCOUNT, DAYS[:1], ["account_insights"], context=context)
    choose(runtime, ACCOUNT, "paused")
    relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    choose(runtime, ACCOUNT, "chosen")
    results = list(pulls.land(ACCOUNT, DAYS, ["account_insights"], context=context))

    assert isinstance(first, LandedFile) and [result.day for result in results if isinstance(result, LandedFile)] == DAYS
    assert {row.valid_to for row in history.versions(runtime.engine) if row.node_id == ACCOUNT} == {None}


def test_a_node_that_is_left_out_is_read_when_it_is_named(runtime: FrozenRuntime, context: PullContext) -> None:
    choose(runtime, ACCOUNT, "left_out")

    assert all(isinstance(result, LandedFile) for result in pulls.land(ACCOUNT, DAYS, ["account_insights"], context=context))
