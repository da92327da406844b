"""The Instagram accounts of ad accounts: read in batches once a week, each independently, and reported as missing
before any ad is created."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import instagram_identities, relinking
from meta_pipeline.flows.connections.instagram_identities import EVERY
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import NodeLink
from meta_pipeline.sandbox.control import control
from meta_pipeline.status import overview
from meta_pipeline.store.connections.node_links import list_links

NORTHWIND, AROHA = "17841400000000001", "17841400000000002"
OWN, OF_AROHA = "act_1000000001", "act_1000000005"


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    return runtime


def accounts(runtime: FrozenRuntime) -> list[NodeLink]:
    return list_links(runtime.engine, kind=AD_ACCOUNT)


def read(runtime: FrozenRuntime, links: Collection[NodeLink] | None = None) -> tuple[list[str], int]:
    """Read what is due; return the problems and the number of HTTP calls."""
    before = len(runtime.events)
    problems = instagram_identities.read_identities(
        accounts(runtime) if links is None else links, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine,
        now=runtime.clock.now(),
    )
    return problems, len(runtime.events) - before


def identities(runtime: FrozenRuntime) -> dict[str, list[str]]:
    return {
        link.id: [each["id"] for each in link.related if each["via"] == "connected_instagram_accounts"]
        for link in accounts(runtime)
    }


def assign(runtime: FrozenRuntime, node_id: str, *instagram_ids: str) -> None:
    control(runtime.graph, "identities", {"node": node_id, "instagram_accounts": instagram_ids}, {})


def test_all_accounts_are_read_in_one_call_and_again_after_a_week(runtime: FrozenRuntime) -> None:
    assert read(runtime) == ([], 1)
    assert identities(runtime)[OWN] == [NORTHWIND] and identities(runtime)[OF_AROHA] == [AROHA]
    relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    assert identities(runtime)[OWN] == [NORTHWIND]  # a discovery keeps them

    assign(runtime, OWN, NORTHWIND, AROHA)
    assert read(runtime) == ([], 0)
    runtime.clock.at += EVERY
    assert read(runtime) == ([], 1) and identities(runtime)[OWN] == [NORTHWIND, AROHA]


def test_an_edge_that_fails_stops_no_other_and_is_read_first_the_next_time(runtime: FrozenRuntime) -> None:
    read(runtime)
    runtime.clock.at += EVERY
    runtime.graph.faults.plan([{"fault": "200_missing", "path": f"{OWN}/connected_instagram_accounts", "times": 1}])
    assign(runtime, OF_AROHA)
    problems, _ = read(runtime)

    assert len(problems) == 1 and f"{OWN}/connected_instagram_accounts was not read: " in problems[0]
    assert identities(runtime)[OWN] == [NORTHWIND] and identities(runtime)[OF_AROHA] == []
    assert read(runtime) == ([], 1)  # only that account is read
    assert read(runtime) == ([], 0)


def test_only_the_given_accounts_are_read_up_to_a_limit(
    runtime: FrozenRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = accounts(runtime)
    assert read(runtime, links[:1]) == ([], 1)
    assert [id for id, assigned in identities(runtime).items() if assigned] == [links[0].id]
    monkeypatch.setattr(instagram_identities, "MOST", 2)
    runtime.clock.at += dt.timedelta(days=1)
    for expected in (3, 5, 6):
        assert read(runtime)[0] == [] and sum(map(bool, identities(runtime).values())) == expected


def test_a_retired_token_is_reported_in_a_sentence(runtime: FrozenRuntime) -> None:
    links = accounts(runtime)
    runtime.vault.retire(links[0].token_ref, "190")

    problems, calls = read(runtime, links)
    assert calls == 0 and len(problems) == 1 and "6 ad accounts were not read" in problems[0]


def issues(runtime: FrozenRuntime, *features: str) -> list[str]:
    (connection,) = overview.connections(
        engine=runtime.engine, tokens=runtime.vault, action_links=runtime.action_links, features=features, now=runtime.clock.now()
    )
    return [node.issue.message for node in connection.nodes if node.issue]


def test_an_account_without_an_identity_is_named_before_any_ad_is_created_with_it(runtime: FrozenRuntime) -> None:
    control(runtime.graph, "tasks", {"node": OWN, "tasks": ["ANALYZE", "ADVERTISE"]}, {})
    relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    assign(runtime, OWN)
    named = "Northwind US: no Instagram account is assigned to act_1000000001, so Meta refuses every ad of it on Instagram (1815199)"
    assert not any(named in each for each in issues(runtime, "ads_creation"))  # they were not read yet
    read(runtime)

    assert [each for each in issues(runtime, "ads_creation") if named in each and "Connected assets → Add assets" in each]
    assert issues(runtime) == []  # reading needs no Instagram account
    assign(runtime, OWN, NORTHWIND)
    runtime.clock.at += EVERY
    read(runtime)
    assert not any(named in each for each in issues(runtime, "ads_creation"))
