"""Compute what changed between two states of the nodes: new, gone and back, and each property by name. No I/O, no
clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.nodes.history import LinkChange, NodeState

# Each property of a node that is compared, and the name of its change.
_PROPERTIES = (
    ("name", "name"), ("access", "access"), ("owner_business_id", "owner"), ("owner_business", "owner_name"),
    ("timezone", "timezone"), ("currency", "currency"), ("tasks", "tasks"),
)


def merged(stored: NodeState, accesses: Sequence[Access]) -> NodeState:
    """Return the node with the tasks, the access and the owner of all tokens in use. `accesses`: the accesses of these
    tokens, the newest first.

    The owner comes from the newest discovery that named one: a token without `business_management` sees no owner, which
    is not a change of owner. A node that no token reaches keeps its last values."""
    if not accesses:
        return dataclasses.replace(stored, is_reached=False)
    tasks = tuple(sorted({task for access in accesses for task in access.tasks}))
    recorded = [access for access in accesses if access.access is not None]
    state = dataclasses.replace(stored, tasks=tasks, is_reached=True)
    if not recorded:
        return state
    owner = next((each for each in recorded if each.owner_business_id or each.owner_business), recorded[0])
    views = {each.access for each in recorded}
    return dataclasses.replace(
        state, owner_business_id=owner.owner_business_id, owner_business=owner.owner_business,
        access="owned" if "owned" in views else "partner" if "partner" in views else "unknown",
    )


def diff(
    before: Mapping[str, NodeState], after: Mapping[str, NodeState], *, through_ref: str | None
) -> Iterator[LinkChange]:
    """Yield each change of the nodes: `new`, `gone`, `back`, and a row for every property that differs.

    `through_ref`: the token whose discovery showed the change; None when no discovery did."""
    for node_id, now in sorted(after.items()):
        was = before.get(node_id)
        for change, old, new in _changes(was, now):
            yield LinkChange(
                node_id=node_id, kind=now.kind, change=change, before=old, after=new, through_ref=through_ref
            )


def _changes(was: NodeState | None, now: NodeState) -> Iterator[tuple[str, str | None, str | None]]:
    if was is None:
        yield "new", None, now.name
        return
    if was.is_reached != now.is_reached:
        yield ("back" if now.is_reached else "gone"), None, None
    for attribute, change in _PROPERTIES:
        old, new = getattr(was, attribute), getattr(now, attribute)
        if old == new:
            continue
        if change == "owner_name" and was.owner_business_id != now.owner_business_id:
            continue  # the change of the owner includes its name
        if change == "owner":
            old, new = old or was.owner_business, new or now.owner_business
        yield change, _text(old), _text(new)


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return ", ".join(value) if isinstance(value, tuple) else value
