"""The history of the nodes: every state with its period of validity, and every change with the token whose discovery
showed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.nodes import link_changes, node_links, node_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node as all tokens in use together see it. `is_reached`: at least one of them reaches it."""

    id: str
    kind: str
    name: str
    access: str
    owner_business_id: str | None
    owner_business: str | None
    tasks: tuple[str, ...]
    timezone: str | None
    currency: str | None
    is_reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """One change of a node: `new`, `gone`, `back`, or a property with its values `before` and `after`. `through_ref`:
    the token whose discovery showed it; None when no discovery did."""

    node_id: str
    kind: str
    change: str
    before: str | None
    after: str | None
    through_ref: str | None
    at: dt.datetime | None = None


def linked_states(connection: sa.Connection) -> dict[str, NodeState]:
    """Return the state of every linked node from its link, by id: reached unless the link is marked as lost."""
    return {
        row.id: NodeState(
            id=row.id, kind=row.kind, name=row.name, access=row.access, owner_business_id=row.owner_business_id,
            owner_business=row.owner_business, tasks=tuple(row.tasks), timezone=row.timezone, currency=row.currency,
            is_reached=row.lost_at is None,
        )
        for row in connection.execute(sa.select(node_links))
    }


def open_states(connection: sa.Connection) -> dict[str, NodeState]:
    """Return the newest recorded state of every node, by id."""
    query = sa.select(node_versions).where(node_versions.c.valid_to.is_(None))
    return {
        row.node_id: NodeState(
            id=row.node_id, kind=row.kind, name=row.name, access=row.access, owner_business_id=row.owner_business_id,
            owner_business=row.owner_business, tasks=tuple(row.tasks), timezone=row.timezone, currency=row.currency,
            is_reached=row.is_reached,
        )
        for row in connection.execute(query)
    }


def update_links(connection: sa.Connection, states: Iterable[NodeState], *, now: dt.datetime) -> None:
    """Update the owner, the tasks and `lost_at` of the links from these states."""
    for state in states:
        connection.execute(
            node_links.update().where(node_links.c.id == state.id).values(
                access=state.access, owner_business_id=state.owner_business_id, owner_business=state.owner_business,
                tasks=list(state.tasks),
                lost_at=None if state.is_reached else sa.func.coalesce(node_links.c.lost_at, now),
            )
        )


def record(
    connection: sa.Connection, states: Iterable[NodeState], changes: Iterable[LinkChange], *, now: dt.datetime
) -> None:
    """Record new states, each valid from `now` on, and the changes."""
    for state in states:
        version = {
            "kind": state.kind, "name": state.name, "access": state.access,
            "owner_business_id": state.owner_business_id, "owner_business": state.owner_business,
            "tasks": list(state.tasks), "timezone": state.timezone, "currency": state.currency,
            "is_reached": state.is_reached,
        }
        is_open = sa.and_(node_versions.c.node_id == state.id, node_versions.c.valid_to.is_(None))
        same_moment = sa.and_(is_open, node_versions.c.valid_from == now)
        if not connection.execute(node_versions.update().where(same_moment).values(version)).rowcount:
            connection.execute(node_versions.update().where(is_open).values(valid_to=now))
            connection.execute(node_versions.insert().values(node_id=state.id, valid_from=now, **version))
    rows = [
        {
            "at": now, "node_id": change.node_id, "kind": change.kind, "change": change.change,
            "before": change.before, "after": change.after, "through_ref": change.through_ref,
        }
        for change in changes
    ]
    if rows:
        connection.execute(link_changes.insert(), rows)


def versions(engine: sa.Engine) -> list[sa.Row[tuple[object, ...]]]:
    """Return every state of every node with `valid_from` and `valid_to`, by node and time."""
    query = sa.select(node_versions).order_by(node_versions.c.node_id, node_versions.c.valid_from)
    with engine.connect() as connection:
        return list(connection.execute(query))


def change_rows(engine: sa.Engine) -> list[sa.Row[tuple[object, ...]]]:
    """Return every change as stored, oldest first."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(link_changes).order_by(link_changes.c.id)))


def changes(engine: sa.Engine, *, node_id: str | None = None, limit: int | None = None) -> list[LinkChange]:
    """Return the changes, newest first: of one node, or of all."""
    query = sa.select(link_changes).order_by(link_changes.c.id.desc()).limit(limit)
    if node_id is not None:
        query = query.where(link_changes.c.node_id == node_id)
    with engine.connect() as connection:
        return [
            LinkChange(
                node_id=row.node_id, kind=row.kind, change=row.change, before=row.before, after=row.after,
                through_ref=row.through_ref, at=row.at,
            )
            for row in connection.execute(query)
        ]


def names_by_node(engine: sa.Engine) -> dict[str, frozenset[str]]:
    """Return every name that a node has had, by node."""
    names: dict[str, set[str]] = {}
    query = sa.select(node_versions.c.node_id, node_versions.c.name).distinct()
    with engine.connect() as connection:
        for row in connection.execute(query):
            names.setdefault(row.node_id, set()).add(row.name)
    return {node_id: frozenset(each) for node_id, each in names.items()}


def lost_since(engine: sa.Engine) -> dict[str, dt.datetime]:
    """Return the nodes that no token reaches, and since when."""
    query = sa.select(node_links.c.id, node_links.c.lost_at).where(node_links.c.lost_at.is_not(None))
    with engine.connect() as connection:
        return {row.id: row.lost_at for row in connection.execute(query)}
