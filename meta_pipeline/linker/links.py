"""The links in the control store: which node is read with which token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from meta_pipeline.records import NodeLink
from meta_pipeline.store.schema import node_links


def save(engine: sa.Engine, links: Iterable[NodeLink], *, now: dt.datetime) -> None:
    """Every link is known; a node found again is read with the token that found it last."""
    with engine.begin() as connection:
        for link in links:
            row = {
                "kind": link.kind, "name": link.name, "access": link.access, "owner_business": link.owner_business,
                "tasks": list(link.tasks), "timezone": link.timezone, "currency": link.currency,
                "token_ref": link.token_ref, "related": list(link.related), "linked_at": now,
            }
            if not connection.execute(node_links.update().where(node_links.c.id == link.id).values(row)).rowcount:
                connection.execute(node_links.insert().values(id=link.id, **row))


def known(engine: sa.Engine) -> list[NodeLink]:
    """Every node that is linked, by kind and id."""
    query = sa.select(node_links).order_by(node_links.c.kind, node_links.c.id)
    with engine.connect() as connection:
        return [
            NodeLink(
                row.kind, row.id, row.name, row.access, row.owner_business, tuple(row.tasks), row.timezone,
                row.currency, row.token_ref, tuple(row.related),
            )
            for row in connection.execute(query)
        ]
