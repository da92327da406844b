"""The links: every node that a token has reached, with its name, owner, calendar and currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from meta_pipeline.node_kinds import NodeKind
from meta_pipeline.records import NodeLink
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.schema.nodes import node_links
from meta_pipeline.store.upserts import insert

# The columns that a discovery replaces; `lost_at` follows from what all tokens reach.
_SAVED = frozenset({
    "kind", "name", "access", "owner_business", "owner_business_id", "tasks", "timezone", "currency", "token_ref",
    "related", "linked_at",
})


def save(engine: sa.Engine, links: Iterable[NodeLink], *, now: dt.datetime) -> None:
    """Insert or update each link, in one transaction. Links of other nodes stay as they are, and so do relations that
    `relate` recorded."""
    with engine.begin() as connection:
        save_in(connection, links, now=now)


def save_in(connection: sa.Connection, links: Iterable[NodeLink], *, now: dt.datetime) -> None:
    """Insert or update each link in this transaction. A name, time zone or currency that Meta did not return keeps its
    stored value."""
    stored = {row.id: row for row in connection.execute(sa.select(node_links))}
    rows: dict[str, dict[str, Any]] = {}
    for link in links:
        before = stored.get(link.id)
        recorded = [each for each in before.related if each.get("recorded")] if before is not None else []
        rows[link.id] = {
            "id": link.id, "kind": link.kind, "name": link.name or (before.name if before else ""),
            "access": link.access, "owner_business": link.owner_business, "owner_business_id": link.owner_business_id,
            "tasks": list(link.tasks), "timezone": link.timezone or (before.timezone if before else None),
            "currency": link.currency or (before.currency if before else None), "token_ref": link.token_ref,
            "related": [*link.related, *recorded], "linked_at": now,
        }
    if rows:
        statement = insert(node_links, dialect=connection.dialect.name)
        changes = {column.name: statement.excluded[column.name] for column in node_links.c if column.name in _SAVED}
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes), list(rows.values()))


def relate(engine: sa.Engine, node_id: str, relations: Iterable[dict[str, str]], *, via: Collection[str]) -> None:
    """Replace the recorded relations of a node whose `via` is one of these; all other relations stay."""
    added = [{**relation, "recorded": True} for relation in relations]
    with engine.begin() as connection:
        others = [
            each for each in _related(connection, node_id) if not (each.get("recorded") and each.get("via") in via)
        ]
        connection.execute(
            node_links.update().where(node_links.c.id == node_id).values(related=[*others, *added])
        )


def _related(connection: sa.Connection, node_id: str) -> list[dict[str, Any]]:
    related = connection.execute(sa.select(node_links.c.related).where(node_links.c.id == node_id)).scalar()
    return list(related or [])


def list_links(engine: sa.Engine, *, kind: NodeKind | None = None) -> list[NodeLink]:
    """Return every linked node, or those of a kind, ordered by kind and id, with the token that reads it; if no usable
    token reaches it, the last one that did."""
    usable = access.usable_by_node(engine)
    is_listed = sa.true() if kind is None else node_links.c.kind == kind.name
    query = sa.select(node_links).where(is_listed).order_by(node_links.c.kind, node_links.c.id)
    with engine.connect() as connection:
        return [_link(row, usable.get(row.id, ())) for row in connection.execute(query)]


def find_link(engine: sa.Engine, node_id: str) -> NodeLink | None:
    """Return one linked node as `list_links` does; None if it is not linked."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(node_links).where(node_links.c.id == node_id)).one_or_none()
    return _link(row, access.readers(engine, node_id)) if row else None


def _link(row: sa.Row[Any], usable: Sequence[Access]) -> NodeLink:
    tasks, token_ref = (usable[0].tasks, usable[0].token_ref) if usable else (tuple(row.tasks), row.token_ref)
    return NodeLink(
        kind=row.kind, id=row.id, name=row.name, access=row.access, owner_business=row.owner_business, tasks=tasks,
        timezone=row.timezone, currency=row.currency, token_ref=token_ref, related=tuple(row.related),
        owner_business_id=row.owner_business_id,
    )
