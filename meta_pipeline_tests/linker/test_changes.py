"""The changes between two discoveries, and the owner of a node that several tokens see differently."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from meta_pipeline.linker.changes import diff, merged
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.nodes.history import NodeState

NODE = NodeState(
    id="act_1", kind="ad_account", name="Aroha", access="partner", owner_business_id="501", owner_business="Aroha Ltd",
    tasks=("ANALYZE",), timezone="Pacific/Auckland", currency="NZD", is_reached=True,
)


def seen(through: str = "t1", **facts: Any) -> Access:
    return Access(node_id="act_1", token_ref=through, through_ref=through, **{"tasks": ("ANALYZE",), **facts})


def changes(before: NodeState | None, after: NodeState) -> list[tuple[str, str | None, str | None]]:
    listed = list(diff({"act_1": before} if before else {}, {"act_1": after}, through_ref="t1"))
    assert {(change.node_id, change.kind, change.through_ref) for change in listed} <= {("act_1", "ad_account", "t1")}
    return [(change.change, change.before, change.after) for change in listed]


def test_a_node_that_was_not_linked_is_new_and_nothing_else() -> None:
    assert changes(None, NODE) == [("new", None, "Aroha")]


@pytest.mark.parametrize(("facts", "expected"), [
    ({}, []),
    ({"is_reached": False}, [("gone", None, None)]),
    ({"tasks": ("ADVERTISE", "ANALYZE")}, [("tasks", "ANALYZE", "ADVERTISE, ANALYZE")]),
    ({"tasks": ()}, [("tasks", "ANALYZE", "")]),
    ({"owner_business_id": "502", "owner_business": "Sakura"}, [("owner", "501", "502")]),
    ({"owner_business_id": None, "owner_business": None, "access": "unknown"}, [
        ("access", "partner", "unknown"), ("owner", "501", None),
    ]),
    ({"owner_business": "Aroha Limited"}, [("owner_name", "Aroha Ltd", "Aroha Limited")]),
    ({"timezone": "UTC"}, [("timezone", "Pacific/Auckland", "UTC")]),
    ({"currency": "EUR"}, [("currency", "NZD", "EUR")]),
    ({"name": ""}, [("name", "Aroha", "")]),
])
def test_every_property_that_differs_is_one_change(facts: dict[str, Any], expected: list[tuple[str, str | None, str | None]]) -> None:
    assert changes(NODE, dataclasses.replace(NODE, **facts)) == expected


def test_a_node_that_returns_is_back_and_its_other_changes_are_listed() -> None:
    lost = dataclasses.replace(NODE, is_reached=False)
    assert changes(lost, dataclasses.replace(NODE, currency="EUR")) == [("back", None, None), ("currency", "NZD", "EUR")]


OWNED = {"access": "owned", "owner_business": "Aroha Ltd", "owner_business_id": "501"}
PARTNER = {"access": "partner", "owner_business": "Sakura", "owner_business_id": "502"}
UNKNOWN = {"access": "unknown"}


@pytest.mark.parametrize(("accesses", "expected"), [
    ([seen(**OWNED)], ("owned", "501")),
    ([seen(**UNKNOWN)], ("unknown", None)),
    # A token without business_management knows no owner, but another token does.
    ([seen(**UNKNOWN), seen("t2", **OWNED)], ("owned", "501")),
    # The newest access that names an owner counts.
    ([seen(**PARTNER), seen("t2", **OWNED)], ("owned", "502")),
    # Shared with us by an owner whom Meta does not name.
    ([seen(access="partner")], ("partner", None)),
    # Before the first discovery that records owners, the link keeps its owner.
    ([seen()], ("partner", "501")),
    ([], ("partner", "501")),
])
def test_the_owner_is_the_newest_that_a_token_in_use_names_and_is_never_guessed(
    accesses: list[Access], expected: tuple[str, str | None]
) -> None:
    state = merged(NODE, accesses)

    assert (state.access, state.owner_business_id) == expected and state.is_reached == bool(accesses)


def test_tasks_are_the_union_over_all_tokens() -> None:
    accesses = [seen(tasks=("ANALYZE",)), seen("t2", tasks=("ADVERTISE", "ANALYZE"))]

    assert merged(NODE, accesses).tasks == ("ADVERTISE", "ANALYZE")
    assert merged(NODE, []) == dataclasses.replace(NODE, is_reached=False)
