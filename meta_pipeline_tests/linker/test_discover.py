"""A failing edge does not affect the others, and its nodes stay linked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import relinking
from meta_pipeline.graph.errors import GraphError, TokenError
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.records import TokenRef
from meta_pipeline.status import overview
from meta_pipeline.status.unread import unread_sentences
from meta_pipeline.store.connections.access import by_source_token
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.schema.connections import onboardings


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    return FrozenRuntime(tmp_path)


def relink(runtime: FrozenRuntime, ref: TokenRef) -> Discovery:
    return relinking.relink(ref, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())


def reached(runtime: FrozenRuntime, ref: TokenRef) -> Counter[str]:
    kinds = {link.id: link.kind for link in list_links(runtime.engine)}
    return Counter(kinds[access.node_id] for access in by_source_token(runtime.engine)[ref.id])


def fail(runtime: FrozenRuntime, fault: str, path: str, times: int = 99) -> None:
    runtime.graph.faults.planned.clear()
    runtime.graph.faults.plan([{"fault": fault, "path": path, "times": times}])


def test_an_edge_with_a_field_unknown_to_the_version_is_read_without_it(runtime: FrozenRuntime) -> None:
    fail(runtime, "100_nonexisting_owner_business", "owned_pixels")
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    whole = reached(runtime, ref)

    assert whole["ad_account"] and whole["page"] and whole["catalog"] and whole["pixel"]
    discovery = relink(runtime, ref)
    assert discovery.failed == () and "was read without owner_business" in discovery.lost_fields[0]


@pytest.mark.parametrize(("path", "kinds"), [
    ("owned_pixels", {"pixel"}), ("client_product_catalogs", {"catalog"}), ("me/adaccounts", {"ad_account"}),
    ("me/accounts", {"page", "instagram_account"}), ("me/businesses", {"pixel", "catalog"}),
])
@pytest.mark.parametrize("fault", ["100_nonexisting_id", "dead_metric", "500", "truncated", "code1_reduce"])
def test_a_failing_edge_affects_no_other_and_keeps_its_links(runtime: FrozenRuntime, path: str, kinds: set[str], fault: str) -> None:
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    before = reached(runtime, ref)
    fail(runtime, fault, path)
    discovery = relink(runtime, ref)

    assert [failed.edge.name for failed in discovery.failed] == [path.rpartition("/")[2]]
    assert path in discovery.unread[0] and reached(runtime, ref) == before
    assert {link.kind for link in discovery.links} >= set(before) - kinds
    runtime.graph.faults.planned.clear()
    assert relink(runtime, ref).failed == () and reached(runtime, ref) == before


def test_a_refused_edge_loses_its_nodes_and_is_named(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    fail(runtime, "200_missing", "me/adaccounts")
    discovery = relink(runtime, ref)

    assert discovery.failed[0].is_refused and reached(runtime, ref)["ad_account"] == 0


def connection_messages(runtime: FrozenRuntime) -> list[str]:
    (connection,) = overview.connections(
        engine=runtime.engine, tokens=runtime.vault, action_links=runtime.action_links, features=(), now=runtime.clock.now()
    )
    return [issue.message for issue in connection.issues]


def test_unread_edges_of_the_last_discovery_are_stored_and_shown(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    assert unread_sentences(runtime.engine) == [] and connection_messages(runtime) == []
    fail(runtime, "500", "me/adaccounts")
    links, problems = relinking.relink_all(
        graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now()
    )
    (sentence,) = unread_sentences(runtime.engine)

    assert links and problems == [sentence] and "me/adaccounts was not read: Graph answered HTTP 500" in sentence
    assert connection_messages(runtime) == [
        "Facebook could not list all ad accounts at the last daily check: new ones are missing until the next "
        "check succeeds; what was connected before is still collected."
    ]
    runtime.graph.faults.planned.clear()
    relink(runtime, ref)
    assert unread_sentences(runtime.engine) == [] and connection_messages(runtime) == []


def test_a_refused_edge_is_reported_unless_a_missing_permission_explains_it(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    fail(runtime, "200_missing", "me/accounts")
    relink(runtime, ref)
    assert (
        "Facebook did not let us list all Pages and Instagram accounts: those that are not listed are not collected."
        in connection_messages(runtime)
    )
    runtime.vault.record_inspection(
        ref.id, scopes=[name for name in ref.scopes if name != "pages_show_list"], expires_at=None,
        data_access_expires_at=None,
    )
    assert not [message for message in connection_messages(runtime) if "did not let us" in message]
    runtime.vault.retire(ref.id, "190/460", subcode=460)
    assert unread_sentences(runtime.engine) == []


def test_an_onboarding_lists_the_edges_that_were_not_read(runtime: FrozenRuntime) -> None:
    fail(runtime, "dead_metric", "owned_pixels")
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    with runtime.engine.connect() as connection:
        (row,) = connection.execute(onboardings.select()).all()

    assert row.status == "running" and "owned_pixels was not read: (100)" in row.result["not_read"][0]


def test_a_dead_token_or_the_failure_of_every_edge_fails_the_discovery(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))
    fail(runtime, "500", "GET (me|\\d+)/")
    with pytest.raises(GraphError):
        relink(runtime, ref)
    fail(runtime, "190_463", "owned_pixels")
    with pytest.raises(TokenError):
        relink(runtime, ref)
