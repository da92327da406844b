"""Compute what a discovery changes: the nodes that a token reaches now, and those of its earlier ones that stay
linked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from meta_pipeline.linker.discover import Discovery, FailedEdge
from meta_pipeline.records import NodeLink
from meta_pipeline.store.connections import access, node_links, unread_edges
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.connections.unread_edges import UnreadEdge


def save(engine: sa.Engine, discovery: Discovery, *, through: str, now: dt.datetime) -> None:
    """Store the discovered links, the edges that were not read, and that the token `through` reaches these nodes now,
    as well as those it reached before behind an edge that could not be read this time."""
    earlier = access.by_source_token(engine).get(through, []) if discovery.failed else []
    links = node_links.list_links(engine) if earlier else []
    node_links.save(engine, discovery.links, now=now)
    discovered = [
        Access(node_id=link.id, token_ref=link.token_ref, through_ref=through, tasks=link.tasks)
        for link in discovery.links
    ]
    remaining = still_reached(earlier, links, discovery.failed)
    access.replace(engine, through, [*remaining, *discovered], now=now)
    unread_edges.replace(
        engine, through,
        [
            UnreadEdge(
                path=failed.edge.path, kinds=failed.edge.kinds, reason=failed.reason, is_refused=failed.is_refused
            )
            for failed in discovery.failed
        ],
        now=now,
    )


def still_reached(
    earlier: Iterable[Access], links: Iterable[NodeLink], failed: Sequence[FailedEdge]
) -> list[Access]:
    """Return the earlier accesses whose node may be behind an edge that failed for another reason than a refusal."""
    unread = [edge for edge in failed if not edge.is_refused]
    by_id = {access.node_id: access for access in earlier}
    return [by_id[link.id] for link in links if link.id in by_id and any(edge.leads_to(link) for edge in unread)]
