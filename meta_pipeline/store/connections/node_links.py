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
from meta_pipeline.store.schema.connections import node_links


def save(engine: sa.Engine, links: Iterable[NodeLink], *, now: dt.datetime) -> None:
    """Insert or update each link, in one transaction. Links of other nodes stay as they are, and so do relations that
    `relate` recorded."""
    with engine.begin() as connection:
        for link in links:
            recorded = [each for each in _related(connection, link.id) if each.get("recorded")]
            row = {
                "kind": link.kind, "name": link.name, "access": link.access, "owner_business": link.owner_business,
                "tasks": list(link.tasks), "timezone": link.timezone, "currency": link.currency,
                "token_ref": link.token_ref, "related": [*link.related, *recorded], "linked_at": now,
            }
            if not connection.execute(node_links.update().where(node_links.c.id == link.id).values(row)).rowcount:
                connection.execute(node_links.insert().values(id=link.id, **row))


def relate(engine: sa.Engine, node_id: str, relations: Iterable[dict[str, str]], *, via: Collection[str]) -> None:
    """Replace the relations of a node that were recorded `via` these; those of a discovery stay."""
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
    """Return every linked node, or those of a kind, by kind and id, with the token that is used to read it: the last
    one that did, when no usable token reaches it."""
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
    )
