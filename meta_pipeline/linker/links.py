"""The links in the control store: which node is read with which token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from meta_pipeline.linker.discover import Discovery, FailedEdge
from meta_pipeline.records import NodeLink
from meta_pipeline.store import access
from meta_pipeline.store.schema import node_links


def save(engine: sa.Engine, discovery: Discovery, *, through: str, now: dt.datetime) -> None:
    """Store every link; the token `through` reaches these now, and what it reached before behind an edge that could not
    be read this time."""
    links, kept = discovery.links, _behind(engine, discovery.failed, through=through)
    with engine.begin() as connection:
        for link in links:
            row = {
                "kind": link.kind, "name": link.name, "access": link.access, "owner_business": link.owner_business,
                "tasks": list(link.tasks), "timezone": link.timezone, "currency": link.currency,
                "token_ref": link.token_ref, "related": list(link.related), "linked_at": now,
            }
            if not connection.execute(node_links.update().where(node_links.c.id == link.id).values(row)).rowcount:
                connection.execute(node_links.insert().values(id=link.id, **row))
    found = [
        access.Access(node_id=link.id, token_ref=link.token_ref, through_ref=through, tasks=link.tasks)
        for link in links
    ]
    access.replace(engine, through, [*kept, *found], now=now)


def _behind(engine: sa.Engine, failed: Sequence[FailedEdge], *, through: str) -> list[access.Access]:
    """Return the accesses whose edge failed for another reason than a refusal."""
    unread = [edge for edge in failed if not edge.is_refused]
    before = {one.node_id: one for one in access.through(engine).get(through, ())} if unread else {}
    stored = [link for link in known(engine) if link.id in before] if before else []
    return [before[link.id] for link in stored if any(edge.leads_to(link) for edge in unread)]


def today_of(engine: sa.Engine, node_id: str, *, now: dt.datetime) -> dt.date:
    """The day it is on a node's own calendar; UTC's for a node that is not linked."""
    query = sa.select(node_links.c.timezone).where(node_links.c.id == node_id)
    with engine.connect() as connection:
        zone = connection.execute(query).scalar()
    return now.astimezone(ZoneInfo(zone or "UTC")).date()


def known(engine: sa.Engine) -> list[NodeLink]:
    """Every node that is linked, by kind and id, with the token that reads it now: the last one that did when none
    does any more."""
    usable = access.usable(engine)
    query = sa.select(node_links).order_by(node_links.c.kind, node_links.c.id)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    found = []
    for row in rows:
        best = usable.get(row.id, [None])[0]
        found.append(
            NodeLink(
                kind=row.kind, id=row.id, name=row.name, access=row.access, owner_business=row.owner_business,
                tasks=best.tasks if best else tuple(row.tasks), timezone=row.timezone, currency=row.currency,
                token_ref=best.token_ref if best else row.token_ref, related=tuple(row.related),
            )
        )
    return found
