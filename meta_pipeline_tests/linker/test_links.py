"""Discoveries against the sandbox: owners, relations, the listings of businesses, and the history of every node."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import relinking
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.records import AccessToken, NodeLink, TokenRef
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.world.entities import Account
from meta_pipeline.store.connections.node_links import find_link, list_links
from meta_pipeline.store.nodes import business_assets, history

NORTHWIND, AROHA, SAKURA = "2000000000001", "2000000000002", "2000000000003"
CLIENTS_ACCOUNT, OWN_ACCOUNT = "act_1000000005", "act_1000000001"


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    return FrozenRuntime(tmp_path)


def relink(runtime: FrozenRuntime, ref: TokenRef) -> Discovery:
    return relinking.relink(ref, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())


def relink_a_day_later(runtime: FrozenRuntime) -> list[tuple[str, str, str | None, str | None]]:
    """Run the next daily check and return the changes that it recorded."""
    before = len(history.changes(runtime.engine))
    runtime.clock.at += dt.timedelta(days=1)
    relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    changes = history.changes(runtime.engine)
    return sorted((each.node_id, each.change, each.before, each.after) for each in changes[:len(changes) - before])


def order(runtime: FrozenRuntime, call: str, **body: Any) -> None:
    control(runtime.graph, call, body, {})


def link(runtime: FrozenRuntime, node_id: str) -> NodeLink:
    stored = find_link(runtime.engine, node_id)
    assert stored is not None
    return stored


def test_every_node_has_its_owner_and_its_relation_to_our_business(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))

    assert {(each.kind, each.access, each.owner_business_id) for each in list_links(runtime.engine)} == {
        ("ad_account", "owned", NORTHWIND), ("ad_account", "partner", AROHA), ("page", "owned", NORTHWIND),
        ("page", "partner", AROHA), ("page", "partner", SAKURA), ("instagram_account", "owned", NORTHWIND),
        ("instagram_account", "partner", AROHA), ("instagram_account", "partner", SAKURA), ("pixel", "owned", NORTHWIND),
        ("pixel", "partner", AROHA), ("catalog", "owned", NORTHWIND), ("catalog", "partner", SAKURA),
    }
    for node_id, via in ((OWN_ACCOUNT, "owned_ad_accounts"), (CLIENTS_ACCOUNT, "client_ad_accounts"), ("3000000000002", "client_pages")):
        assert {"kind": "business", "id": NORTHWIND, "via": via} in link(runtime, node_id).related
    assert business_assets.names(runtime.engine) == {NORTHWIND: "Northwind Agency"}


def test_without_business_management_no_owner_is_stored(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint(days=60, scopes=("ads_read", "pages_show_list")))

    links = list_links(runtime.engine)
    assert {each.access for each in links} == {"unknown"} and {each.owner_business_id for each in links} == {None}
    assert {each.kind for each in links} == {"ad_account", "page", "instagram_account"}


def test_a_second_person_who_knows_no_owners_changes_no_owner(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    before = list_links(runtime.engine)
    runtime.clock.at += dt.timedelta(hours=1)
    runtime.onboard(runtime.mint(days=60, scopes=("ads_read", "pages_show_list")))

    now = {each.id: each for each in list_links(runtime.engine)}
    assert all((now[each.id].access, now[each.id].owner_business_id) == (each.access, each.owner_business_id) for each in before)
    assert {each.change for each in history.changes(runtime.engine)} == {"new"}


def test_pending_requests_and_nodes_without_a_role_are_listed_but_not_linked(runtime: FrozenRuntime) -> None:
    order(runtime, "tasks", node=OWN_ACCOUNT, tasks=[])
    order(runtime, "tasks", node="3000000000001", tasks=[])
    runtime.onboard(runtime.mint("SYSTEM_USER"))

    listed = {each.node_id: (each.status, each.edge, each.name) for each in business_assets.find_unread(runtime.engine)}
    assert listed == {
        "act_1000000801": ("pending", "pending_client_ad_accounts", "Sakura Beauty Japan"),
        "3000000000004": ("pending", "pending_client_pages", "Aroha Trails"),
        OWN_ACCOUNT: ("unassigned", "owned_ad_accounts", "Northwind US"),
        "3000000000001": ("unassigned", "owned_pages", "Northwind"),
        "17841400000000001": ("unassigned", "owned_instagram_accounts", "northwind"),
    }
    assert not set(listed) & {each.id for each in list_links(runtime.engine)}


def test_a_page_that_only_its_business_lists_is_read_with_its_own_token(runtime: FrozenRuntime) -> None:
    runtime.graph.faults.plan([{"fault": "empty_200", "path": "me/accounts", "times": 1}])
    runtime.onboard(runtime.mint("SYSTEM_USER"))

    page = link(runtime, "3000000000002")
    assert page.name == "Aroha Outdoor" and page.access == "partner"
    assert runtime.vault.reveal(page.token_ref, flow="test").kind == "page"


@pytest.mark.parametrize(("call", "body", "expected"), [
    ("tasks", {"node": CLIENTS_ACCOUNT, "tasks": ["ADVERTISE", "ANALYZE"]}, [
        (CLIENTS_ACCOUNT, "tasks", "ADVERTISE, ANALYZE, DRAFT, MANAGE", "ADVERTISE, ANALYZE"),
    ]),
    ("owners", {"node": CLIENTS_ACCOUNT, "business": {"id": "2000000000009", "name": "Foreign Holdings"}}, [
        (CLIENTS_ACCOUNT, "owner", AROHA, "2000000000009"),
    ]),
    ("owners", {"node": CLIENTS_ACCOUNT, "business": None}, [
        (CLIENTS_ACCOUNT, "access", "partner", "unknown"), (CLIENTS_ACCOUNT, "owner", AROHA, None),
    ]),
    ("owners", {"node": CLIENTS_ACCOUNT, "business": {"id": NORTHWIND, "name": "Northwind Agency"}}, [
        (CLIENTS_ACCOUNT, "access", "partner", "owned"), (CLIENTS_ACCOUNT, "owner", AROHA, NORTHWIND),
    ]),
    ("world", {"timezone_changes": {CLIENTS_ACCOUNT: {"at": "2026-11-01", "timezone": "Asia/Tokyo"}}}, [
        (CLIENTS_ACCOUNT, "timezone", "Pacific/Auckland", "Asia/Tokyo"),
    ]),
    ("shares", {"node": "act_1000000801", "answer": "accept"}, [("act_1000000801", "new", None, "Sakura Beauty Japan")]),
    ("shares", {"node": CLIENTS_ACCOUNT, "answer": "take_back"}, [(CLIENTS_ACCOUNT, "gone", None, None)]),
    ("clock", {}, []),
])
def test_the_next_discovery_records_exactly_what_changed(
    runtime: FrozenRuntime, call: str, body: dict[str, Any], expected: list[tuple[str, str, str | None, str | None]]
) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    order(runtime, call, **body)

    assert relink_a_day_later(runtime) == expected
    assert relink_a_day_later(runtime) == []


def test_the_history_of_a_node_has_no_gap_and_its_last_version_has_no_end(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    first = runtime.clock.now()
    order(runtime, "tasks", node=CLIENTS_ACCOUNT, tasks=[])
    relink_a_day_later(runtime)
    assert history.lost_since(runtime.engine) == {CLIENTS_ACCOUNT: first + dt.timedelta(days=1)}
    relink_a_day_later(runtime)
    order(runtime, "tasks", node=CLIENTS_ACCOUNT, tasks=["ANALYZE"])
    assert relink_a_day_later(runtime) == [
        (CLIENTS_ACCOUNT, "back", None, None), (CLIENTS_ACCOUNT, "tasks", "ADVERTISE, ANALYZE, DRAFT, MANAGE", "ANALYZE"),
    ]

    versions = [row for row in history.versions(runtime.engine) if row.node_id == CLIENTS_ACCOUNT]
    assert [(row.is_reached, row.valid_from - first, row.valid_to and row.valid_to - first) for row in versions] == [
        (True, dt.timedelta(0), dt.timedelta(days=1)), (False, dt.timedelta(days=1), dt.timedelta(days=3)),
        (True, dt.timedelta(days=3), None),
    ]
    assert history.lost_since(runtime.engine) == {}


def test_nodes_are_gone_when_their_last_token_is_retired_and_back_with_a_new_one(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint(days=60))
    nodes = {each.id for each in list_links(runtime.engine)}
    for each in runtime.vault.refs():
        runtime.vault.retire(each.id, "190/460", subcode=460)

    assert {(node, change) for node, change, _, _ in relink_a_day_later(runtime)} == {(node, "gone") for node in nodes}
    assert runtime.onboard(runtime.mint(days=60)).id == ref.id
    changes = [each for each in history.changes(runtime.engine) if each.change == "back"]
    assert {each.node_id for each in changes} == nodes and {each.through_ref for each in changes} == {ref.id}


EDGES_OF_BUSINESSES = ["pending_client_pages", "owned_ad_accounts", "client_pages", "client_instagram_assets"]
FAILING_EDGES = [
    *itertools.product([*EDGES_OF_BUSINESSES, "me/businesses"], ["500", "dead_metric"]),
    # Not for `me/businesses`: a token that loses business_management no longer knows owners.
    *itertools.product(EDGES_OF_BUSINESSES, ["200_missing"]),
]


@pytest.mark.parametrize(("path", "fault"), FAILING_EDGES)
def test_a_failing_edge_changes_no_owner_and_loses_no_node(runtime: FrozenRuntime, path: str, fault: str) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    runtime.graph.faults.plan([{"fault": fault, "path": path, "times": 99}])

    assert relink_a_day_later(runtime) == []


def test_a_token_that_can_list_nothing_but_pixels_is_linked_to_them(runtime: FrozenRuntime) -> None:
    runtime.graph.faults.plan([
        {"fault": "200_missing", "path": "me/adaccounts|me/accounts|ad_accounts|_pages|instagram|catalogs", "times": 999},
    ])
    ref = runtime.onboard(runtime.mint("SYSTEM_USER"))

    assert {each.kind for each in list_links(runtime.engine)} == {"pixel"}
    assert len(relink(runtime, ref).failed) == 14


def test_a_business_with_three_thousand_accounts_is_linked_in_full(runtime: FrozenRuntime) -> None:
    world, own = runtime.graph.world, runtime.graph.world.accounts["1000000001"].business
    for number in range(3000):
        id = str(1_000_010_000 + number)
        world.accounts[id] = Account(
            id=id, name=f"Shop {number}", timezone="UTC", currency="EUR", business=own, is_delivering=False)
        world._ads_of[id] = []
    runtime.onboard(runtime.mint("SYSTEM_USER"))

    accounts = [each for each in list_links(runtime.engine) if each.kind == "ad_account"]
    assert len(accounts) == 3006 and {each.access for each in accounts} == {"owned", "partner"}
    assert len(history.changes(runtime.engine)) == len(list_links(runtime.engine))
    assert relink_a_day_later(runtime) == []


def test_a_page_that_comes_without_a_name_keeps_its_last_name(runtime: FrozenRuntime) -> None:
    pages = runtime.graph.world.pages
    named = pages["3000000000003"]
    pages["3000000000003"] = type(named)(
        id=named.id, name=None, business=named.business, instagram_id=named.instagram_id, instagram_name=named.instagram_name)  # type: ignore[arg-type]
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    assert link(runtime, named.id).name == ""
    pages[named.id] = named
    assert relink_a_day_later(runtime) == [(named.id, "name", "", "Sakura Beauty")]
    pages[named.id] = type(named)(
        id=named.id, name=None, business=named.business, instagram_id=named.instagram_id, instagram_name=named.instagram_name)  # type: ignore[arg-type]
    assert relink_a_day_later(runtime) == [] and link(runtime, named.id).name == "Sakura Beauty"


def test_a_page_of_two_people_is_one_node_and_stays_when_one_leaves(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    runtime.onboard(runtime.mint(days=60))
    person = next(ref for ref in runtime.vault.refs() if ref.kind == "user")
    page = "3000000000001"
    assert len([each for each in list_links(runtime.engine) if each.id == page]) == 1
    for each in [person, *(ref for ref in runtime.vault.refs() if ref.parent_ref == person.id)]:
        runtime.vault.retire(each.id, "disconnected")

    assert relink_a_day_later(runtime) == [] and history.lost_since(runtime.engine) == {}
    assert runtime.vault.reveal_for(page, flow="test").kind == "page"


def test_a_discovery_that_is_killed_before_it_is_stored_loses_no_change(runtime: FrozenRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    order(runtime, "owners", node=CLIENTS_ACCOUNT, business=None)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(history, "record", killed)
        relink_a_day_later(runtime)

    assert link(runtime, CLIENTS_ACCOUNT).owner_business_id == AROHA
    assert [change for _, change, _, _ in relink_a_day_later(runtime)] == ["access", "owner"]


def test_a_token_of_a_person_without_a_business_links_their_nodes(runtime: FrozenRuntime) -> None:
    order(runtime, "owners", node=OWN_ACCOUNT, business=None)
    runtime.graph.faults.plan([{"fault": "empty_200", "path": "me/businesses", "times": 99}])
    runtime.onboard(runtime.mint(days=60))

    assert (link(runtime, OWN_ACCOUNT).access, link(runtime, OWN_ACCOUNT).owner_business_id) == ("unknown", None)
    assert isinstance(runtime.mint(), AccessToken)
