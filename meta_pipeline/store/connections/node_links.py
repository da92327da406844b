"""The links: every node that a token has reached, with its name, owner, calendar and currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from meta_pipeline.records import NodeLink
from meta_pipeline.store.connections import access
from meta_pipeline.store.schema.connections import node_links


def save(engine: sa.Engine, links: Iterable[NodeLink], *, now: dt.datetime) -> None:
    """Insert or update each link, in one transaction. Links of other nodes stay as they are."""
    with engine.begin() as connection:
        for link in links:
            row = {
                "kind": link.kind, "name": link.name, "access": link.access, "owner_business": link.owner_business,
                "tasks": list(link.tasks), "timezone": link.timezone, "currency": link.currency,
                "token_ref": link.token_ref, "related": list(link.related), "linked_at": now,
            }
            if not connection.execute(node_links.update().where(node_links.c.id == link.id).values(row)).rowcount:
                connection.execute(node_links.insert().values(id=link.id, **row))


def list_links(engine: sa.Engine) -> list[NodeLink]:
    """Return every linked node by kind and id, with the token that is used to read it: the last one that did, when no
    usable token reaches it."""
    usable = access.usable_by_node(engine)
    query = sa.select(node_links).order_by(node_links.c.kind, node_links.c.id)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    links = []
    for row in rows:
        best = usable.get(row.id, [None])[0]
        links.append(
            NodeLink(
                kind=row.kind, id=row.id, name=row.name, access=row.access, owner_business=row.owner_business,
                tasks=best.tasks if best else tuple(row.tasks), timezone=row.timezone, currency=row.currency,
                token_ref=best.token_ref if best else row.token_ref, related=tuple(row.related),
            )
        )
    return links


def today_of(engine: sa.Engine, node_id: str, *, now: dt.datetime) -> dt.date:
    """Return the day it is at `now` (aware) on a node's own calendar; the UTC day for a node that is not linked."""
    query = sa.select(node_links.c.timezone).where(node_links.c.id == node_id)
    with engine.connect() as connection:
        zone = connection.execute(query).scalar()
    return now.astimezone(ZoneInfo(zone or "UTC")).date()
