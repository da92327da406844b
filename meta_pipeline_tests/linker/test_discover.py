"""One failing edge leaves the others as they are, and what lies behind it stays linked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows import consents
from meta_pipeline.graph.errors import GraphError, TokenError
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.records import TokenRef
from meta_pipeline.status import overview
from meta_pipeline.status.unread import unread_sentences
from meta_pipeline.store.access import by_source_token
from meta_pipeline.store.node_links import list_links
from meta_pipeline.store.schema.connections import onboardings


@pytest.fixture
def home(tmp_path: Path) -> FrozenRuntime:
    return FrozenRuntime(tmp_path)


def relink(home: FrozenRuntime, ref: TokenRef) -> Discovery:
    return consents.relink(ref, graph=home.client, tokens=home.vault, engine=home.engine, now=home.clock.now())


def reached(home: FrozenRuntime, ref: TokenRef) -> Counter[str]:
    kinds = {link.id: link.kind for link in list_links(home.engine)}
    return Counter(kinds[access.node_id] for access in by_source_token(home.engine)[ref.id])


def fail(home: FrozenRuntime, fault: str, path: str, times: int = 99) -> None:
    home.graph.faults.planned.clear()
    home.graph.faults.plan([{"fault": fault, "path": path, "times": times}])


def test_a_field_that_a_version_does_not_know_costs_that_field_only(home: FrozenRuntime) -> None:
    fail(home, "100_nonexisting_owner_business", "owned_pixels")
    ref = home.onboard(home.mint("SYSTEM_USER"))
    whole = reached(home, ref)

    assert whole["ad_account"] and whole["page"] and whole["catalog"] and whole["pixel"]
    discovery = relink(home, ref)
    assert discovery.failed == () and "was read without owner_business" in discovery.lost_fields[0]


@pytest.mark.parametrize(("path", "kinds"), [
    ("owned_pixels", {"pixel"}), ("client_product_catalogs", {"catalog"}), ("me/adaccounts", {"ad_account"}),
    ("me/accounts", {"page", "instagram_account"}), ("me/businesses", {"pixel", "catalog"}),
])
@pytest.mark.parametrize("fault", ["100_nonexisting_id", "dead_metric", "500", "truncated", "code1_reduce"])
def test_an_edge_that_fails_fails_alone_and_keeps_its_links(home: FrozenRuntime, path: str, kinds: set[str], fault: str) -> None:
    ref = home.onboard(home.mint("SYSTEM_USER"))
    before = reached(home, ref)
    fail(home, fault, path)
    discovery = relink(home, ref)

    assert [failed.edge.name for failed in discovery.failed] == [path.rpartition("/")[2]]
    assert path in discovery.unread[0] and reached(home, ref) == before
    assert {link.kind for link in discovery.links} >= set(before) - kinds
    home.graph.faults.planned.clear()
    assert relink(home, ref).failed == () and reached(home, ref) == before


def test_a_refused_edge_is_gone_and_named(home: FrozenRuntime) -> None:
    ref = home.onboard(home.mint("SYSTEM_USER"))
    fail(home, "200_missing", "me/adaccounts")
    discovery = relink(home, ref)

    assert discovery.failed[0].is_refused and reached(home, ref)["ad_account"] == 0


def connection_messages(home: FrozenRuntime) -> list[str]:
    (connection,) = overview.connections(
        engine=home.engine, tokens=home.vault, action_links=home.action_links, features=(), now=home.clock.now()
    )
    return [issue.message for issue in connection.issues]


def test_the_edges_of_the_last_discovery_that_were_not_read_are_remembered_and_shown(home: FrozenRuntime) -> None:
    ref = home.onboard(home.mint("SYSTEM_USER"))
    assert unread_sentences(home.engine) == [] and connection_messages(home) == []
    fail(home, "500", "me/adaccounts")
    links, problems = consents.relink_all(
        graph=home.client, tokens=home.vault, engine=home.engine, now=home.clock.now()
    )
    (sentence,) = unread_sentences(home.engine)

    assert links and problems == [sentence] and "me/adaccounts was not read: Graph answered HTTP 500" in sentence
    assert connection_messages(home) == [
        "Facebook could not list all ad accounts at the last daily check: new ones are missing until the next one "
        "works; what was connected before is still collected."
    ]
    home.graph.faults.planned.clear()
    relink(home, ref)
    assert unread_sentences(home.engine) == [] and connection_messages(home) == []


def test_a_refused_edge_is_reported_unless_a_missing_permission_explains_it(home: FrozenRuntime) -> None:
    ref = home.onboard(home.mint("SYSTEM_USER"))
    fail(home, "200_missing", "me/accounts")
    relink(home, ref)
    assert (
        "Facebook did not let us list all Pages and Instagram accounts: those that are not listed are not collected."
        in connection_messages(home)
    )
    home.vault.record_inspection(
        ref.id, scopes=[name for name in ref.scopes if name != "pages_show_list"], expires_at=None,
        data_access_expires_at=None,
    )
    assert not [message for message in connection_messages(home) if "did not let us" in message]
    home.vault.retire(ref.id, "190/460", subcode=460)
    assert unread_sentences(home.engine) == []


def test_a_connection_says_what_was_not_read(home: FrozenRuntime) -> None:
    fail(home, "dead_metric", "owned_pixels")
    home.onboard(home.mint("SYSTEM_USER"))
    with home.engine.connect() as connection:
        (row,) = connection.execute(onboardings.select()).all()

    assert row.status == "running" and "owned_pixels was not read: (100)" in row.result["not_read"][0]


def test_a_dead_token_and_a_listing_of_nothing_end_the_whole(home: FrozenRuntime) -> None:
    ref = home.onboard(home.mint("SYSTEM_USER"))
    fail(home, "500", "GET (me|\\d+)/")
    with pytest.raises(GraphError):
        relink(home, ref)
    fail(home, "190_463", "owned_pixels")
    with pytest.raises(TokenError):
        relink(home, ref)
