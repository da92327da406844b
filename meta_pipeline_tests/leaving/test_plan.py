"""The plan of an erasure: which records belong to a person, a node or a customer, and which words identify them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest

from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.erasure.plan import Invited, Stored, kind_of, plan_for
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Contact, Tenant
from meta_pipeline.records import ConfigError, NodeLink, TokenRef
from meta_pipeline.status.token_health import APP_REMOVED, DISCONNECTED
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.nodes.business_assets import BusinessAsset

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def ref(id: str, subject_id: str, *, kind: str = "user", parent: str | None = None, **retired: Any) -> TokenRef:
    return TokenRef(
        id=id, kind=kind, subject_id=subject_id, subject_name=f"name of {subject_id}", scopes=(), parent_ref=parent, **retired,  # type: ignore[arg-type]
    )


def link(id: str, *, kind: str = "ad_account", name: str = "", business: str | None = None, token_ref: str = "t") -> NodeLink:
    return NodeLink(
        kind=kind, id=id, name=name or f"node {id}", access="owned", owner_business=business and f"business {business}", owner_business_id=business, tasks=(), timezone=None,
        currency=None, token_ref=token_ref,
    )


def reached(through: str, *node_ids: str, access: Any = None) -> tuple[str, list[Access]]:
    return through, [Access(node_id=id, token_ref=through, through_ref=through, tasks=(), access=access) for id in node_ids]


def invited(*nodes: str, token_ref: str | None = None, is_in_force: bool = True) -> Invited:
    return Invited(token_ref=token_ref, nodes=frozenset(nodes), is_in_force=is_in_force)


def stored(*, refs: list[TokenRef], links: list[NodeLink], access: list[tuple[str, list[Access]]], tenants: tuple[Tenant, ...] = (), **more: Any) -> Stored:
    return Stored(
        refs=refs, links=links, access=dict(access), people_names={}, landed_kinds={link.id: link.kind for link in links},
        intake=Intake(tenants=tenants), **more,
    )


A, B = ref("refa", "700001"), ref("refb", "700002")
PAGE_TOKEN = ref("refp", "300001", kind="page", parent="refa")
LINKS = [link("act_100001"), link("act_100002"), link("300001", kind="page")]


def test_erasing_a_person_erases_the_nodes_that_nobody_else_reaches() -> None:
    facts = stored(
        refs=[A, B, PAGE_TOKEN], links=LINKS,
        access=[reached("refa", "act_100001", "act_100002", "300001"), reached("refb", "act_100002")],
    )
    plan = plan_for("person", "700001", facts)

    assert set(plan.nodes) == {"act_100001", "300001"} and plan.shared == ("act_100002",)
    assert plan.refs == ("refa", "refp") and plan.people == ("700001",)
    assert plan.nodes["300001"] == "page"


@pytest.mark.parametrize(
    ("retired", "counts"),
    [
        ({}, True),
        ({"retired_at": NOW, "retired_because": "190/463", "retired_subcode": 463}, True),  # expired, not revoked
        ({"retired_at": NOW, "retired_because": DISCONNECTED}, False),
        ({"retired_at": NOW, "retired_because": "190/458", "retired_subcode": APP_REMOVED}, False),
    ],
)
def test_a_consent_of_another_person_counts_until_it_is_revoked(retired: dict[str, Any], counts: bool) -> None:
    facts = stored(
        refs=[A, ref("refb", "700002", **retired)], links=LINKS[:1],
        access=[reached("refa", "act_100001"), reached("refb", "act_100001")],
    )
    plan = plan_for("person", "700001", facts)

    assert (plan.shared == ("act_100001",)) is counts and ("act_100001" in plan.nodes) is not counts


def test_a_node_is_named_with_or_without_its_prefix_and_no_consent_is_erased_with_it() -> None:
    facts = stored(refs=[A, PAGE_TOKEN], links=LINKS, access=[reached("refa", "act_100001", "300001")])

    assert plan_for("node", "100001", facts).nodes == {"act_100001": "ad_account"}
    page = plan_for("node", "300001", facts)
    assert page.refs == ("refp",) and page.people == ()
    with pytest.raises(ConfigError, match="links"):
        plan_for("node", "act_9", facts)


def test_erasing_a_customer_erases_its_own_nodes_and_the_people_who_reach_no_others() -> None:
    tenants = (
        Tenant("one", businesses=frozenset({"500001"}), nodes=frozenset({"300001"})), Tenant("two", nodes=frozenset({"300001"})),
    )
    links = [link("act_100001", business="500001"), link("act_100002", business="500002"), LINKS[2]]
    facts = stored(
        refs=[A, B], links=links, tenants=tenants,
        access=[reached("refa", "act_100001"), reached("refb", "act_100001", "act_100002")],
    )
    plan = plan_for("tenant", "one", facts)

    assert set(plan.nodes) == {"act_100001"} and plan.shared == ("300001",)
    assert plan.people == ("700001",) and plan.businesses == ("500001",) and plan.tenant == "one"
    assert ErasurePlan.from_json(plan.to_json()) == plan


def listed(through: str, *assets: tuple[str, str, str]) -> tuple[str, list[BusinessAsset]]:
    return through, [
        BusinessAsset(
            business_id=business, edge=edge, node_id=id, kind="page", name=f"listed {id}", status="unassigned",
            owner_business=None,
        )
        for business, edge, id in assets
    ]


def test_erasing_a_customer_erases_its_businesses_and_their_names_but_no_shared_node() -> None:
    tenants = (
        Tenant("one", nodes=frozenset({"act_100001", "act_100002"}), title="Customer One", viewers=frozenset({"v@one.example", "both@two.example"}), contacts=(Contact(business="500001", email="admin@one.example"),)),
        Tenant("two", businesses=frozenset({"500002"}), viewers=frozenset({"both@two.example"})),
    )
    links = [link("act_100001", business="500001"), link("act_100002", business="500002"), link("act_100003", business="500009")]
    facts = stored(
        refs=[B], links=links, tenants=tenants, access=[reached("refb", *(each.id for each in links))],
        earlier_names={"act_100001": frozenset({"An earlier name"})}, businesses={"refb": {"500001": "Business One", "500002": "Business Two"}},
        assets=dict([listed("refb", ("500001", "owned_pages", "300007"), ("500002", "client_pages", "300008"))]),
    )
    plan = plan_for("tenant", "one", facts)

    assert set(plan.nodes) == {"act_100001"} and plan.shared == ("act_100002",) and plan.owners == {"act_100001": "500001"}
    assert plan.businesses == ("500001",) and plan.members == ("v@one.example",)
    assert set(plan.names) == {"node act_100001", "An earlier name", "business 500001", "Business One", "Customer One", "admin@one.example"}
    assert all(plan.mentions.is_in(text) for text in ("/tenants/one", "tenant/one", "published/one/warehouse.duckdb", "v@one.example"))
    assert not plan.mentions.is_in("one of the tenants")
    named = plan_for("tenant", "two", facts)
    assert set(named.nodes) == set() and named.businesses == ()  # the ad account is in both


def test_our_own_business_and_those_of_other_tokens_stay() -> None:
    links = [link("act_100001", business="500001"), link("act_100002", business="500003")]
    facts = stored(
        refs=[A, B], links=links, tenants=(Tenant("one", nodes=frozenset({"act_100001"})),),
        access=[reached("refa", "act_100001", "act_100002")],
        businesses={"refa": {"500003": "Business Three", "500004": "Business Four"}, "refb": {"500004": "Business Four"}},
        assets=dict([listed("refa", ("500003", "owned_pages", "300007"), ("500004", "owned_pages", "300008")), listed("refb", ("500004", "owned_pages", "300008"))]),
    )
    ours = dataclasses.replace(facts, intake=Intake(business="500001", tenants=facts.intake.tenants))

    assert plan_for("tenant", "one", facts).businesses == ("500001",) and plan_for("tenant", "one", ours).businesses == ()
    person = plan_for("person", "700001", facts)
    assert person.businesses == ("500001", "500003") and set(person.nodes) == {"act_100001", "act_100002", "300007"}
    assert plan_for("node", "300007", facts).nodes == {"300007": "page"}
# The plan for the invitation `x`: erased nodes, nodes that stay, erased people.
@pytest.mark.parametrize(
    ("invitations", "access", "nodes", "shared", "people"),
    [
        # A consent: everything that its token reaches, unless somebody else grants it.
        ({"x": invited("act_100001", token_ref="refa")}, [reached("refa", "act_100001", "act_100002")],
         {"act_100001", "act_100002"}, (), ("700001",)),
        ({"x": invited("act_100001", token_ref="refa")}, [reached("refa", "act_100001"), reached("refb", "act_100001")],
         set(), ("act_100001",), ("700001",)),
        ({"x": invited("act_100001", token_ref="refa"), "y": invited("act_100002")},
         [reached("refa", "act_100001", "act_100002")], {"act_100001"}, ("act_100002",), ("700001",)),
        ({"x": invited("act_100001", token_ref="refa"), "y": invited("act_100002", is_in_force=False)},
         [reached("refa", "act_100001", "act_100002")], {"act_100001", "act_100002"}, (), ("700001",)),
        # The same person answered another invitation: its nodes, and the person, stay.
        ({"x": invited("act_100001", "300001", token_ref="refa"), "y": invited("300001", token_ref="refa")},
         [reached("refa", "act_100001", "act_100002", "300001")], {"act_100001"}, ("300001",), ()),
        # A share as partner: our tokens reach the node through it. A grant from inside the owner keeps the node.
        ({"x": invited("act_100001")}, [reached("refa", "act_100001", access="partner")], {"act_100001"}, (), ()),
        ({"x": invited("act_100001")}, [reached("refa", "act_100001", access="owned")], set(), ("act_100001",), ()),
        ({"x": invited("act_100001"), "y": invited("act_100001", token_ref="refb")},
         [reached("refb", "act_100001", access="partner")], set(), ("act_100001",), ()),
        ({"x": invited()}, [], set(), (), ()),
        ({}, [reached("refa", "act_100001")], set(), (), ()),  # erased before
    ],
)
def test_erasing_an_invitation_erases_the_nodes_that_only_its_customer_granted(
    invitations: dict[str, Invited], access: list[tuple[str, list[Access]]], nodes: set[str], shared: tuple[str, ...],
    people: tuple[str, ...],
) -> None:
    plan = plan_for("invitation", "x", stored(refs=[A, B], links=LINKS, access=access, invited=invitations))

    assert (set(plan.nodes), plan.shared, plan.people) == (nodes, shared, people)
    assert ("refa" in plan.refs) is bool(people)


def test_a_name_that_is_part_of_another_is_not_searched() -> None:
    links = [link("act_100001", name="Northwind"), link("act_100002", name="Northwind Europe"), link("act_100003", name="Aroha")]
    facts = stored(refs=[], links=links, access=[])

    assert plan_for("node", "act_100001", facts).names == ()
    assert plan_for("node", "act_100003", facts).names == ("Aroha",)


def test_a_subject_is_a_customer_a_node_or_a_person() -> None:
    facts = stored(refs=[A], links=LINKS, access=[], tenants=(Tenant("one", nodes=frozenset({"300001"})),))

    assert [kind_of(text, facts) for text in ("one", "act_100001", "300001", "700001")] == ["tenant", "node", "node", "person"]
    with pytest.raises(ConfigError, match="nothing is stored"):
        kind_of("somebody", facts)


MENTIONS = Mentions({"act_100001", "700001", "12"}, {"Café Süd", 'A "b" c', "abc"})


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("act_100001|2026-11-20", True), ("/v24.0/act_100001/insights", True), ("id=100001,", True), ("1100001", False),
        ("100001a", False), ("act_12", True), ("12", False), ("act_123", False), ("Café Süd", True), ("Café Südwest", False),
        (json.dumps("Café Süd"), True), (json.dumps(json.dumps("Café Süd")), True), (json.dumps('A "b" c'), True), ("abc", False),
    ],
)
def test_ids_and_names_are_found_as_whole_words_however_they_are_encoded(text: str, mentions: bool) -> None:
    assert MENTIONS.is_in(text) is mentions
    assert not MENTIONS.is_in(MENTIONS.without(text.encode()))
    if not mentions:
        assert MENTIONS.without(text.encode()) == text.encode()


def test_json_stays_json_without_the_mentions() -> None:
    value = {"nodes": ["act_100001", "act_2"], "700001": {"name": "Café Süd", "n": 100001, "x": None}}

    assert MENTIONS.without_in(value) == {"nodes": ["act_erased", "act_2"], "erased": {"name": "erased", "n": 100001, "x": None}}
