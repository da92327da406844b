"""Store a discovery: the nodes that a token reaches now, those that it reached earlier and that stay linked, and the
changes of every node."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from meta_pipeline.linker.changes import diff, merged
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.edges import FailedEdge
from meta_pipeline.records import NodeLink
from meta_pipeline.store.connections import access, node_links, unread_edges
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.connections.unread_edges import UnreadEdge
from meta_pipeline.store.nodes import business_assets, history
from meta_pipeline.store.nodes.history import LinkChange, NodeState
from meta_pipeline.store.transactions import begin_alone


def save(engine: sa.Engine, discovery: Discovery, *, through: str, now: dt.datetime) -> list[LinkChange]:
    """Store the discovered links, the edges that were not read, and the nodes that the token `through` reaches: these,
    and those that it reached before and that an edge may list that could not be read this time. Return the changes.

    This is one transaction: after a kill, the next discovery computes the same changes."""
    earlier = access.by_source_token(engine).get(through, []) if discovery.failed else []
    links = node_links.list_links(engine) if earlier else []
    stored = {link.id: link for link in links}
    discovered = [with_unread(link, stored.get(link.id), discovery.failed) for link in discovery.links]
    with begin_alone(engine) as connection:
        before = history.linked_states(connection)
        node_links.save_in(connection, discovered, now=now)
        access.replace_in(
            connection, through, [*still_reached(earlier, links, discovery.failed), *_accesses(discovered, through)],
            now=now,
        )
        unread_edges.replace_in(connection, through, _unread(discovery.failed), now=now)
        business_assets.replace_in(
            connection, through, discovery.businesses, discovery.assets,
            unread=[(failed.edge.business_id, failed.edge.name) for failed in discovery.failed
                    if failed.edge.business_id is not None],
            now=now,
        )
        return _record(connection, before, through=through, now=now)


def settle(engine: sa.Engine, *, now: dt.datetime) -> list[LinkChange]:
    """Record which nodes are no longer reached, or are reached again, after tokens changed; return the changes."""
    with begin_alone(engine) as connection:
        return _record(connection, history.linked_states(connection), through=None, now=now)


def still_reached(
    earlier: Iterable[Access], links: Iterable[NodeLink], failed: Sequence[FailedEdge]
) -> list[Access]:
    """Return the earlier accesses to nodes that may be listed by an edge that failed without being refused."""
    unread = [edge for edge in failed if not edge.is_refused]
    by_id = {access.node_id: access for access in earlier}
    return [by_id[link.id] for link in links if link.id in by_id and any(edge.leads_to(link) for edge in unread)]


def with_unread(link: NodeLink, stored: NodeLink | None, failed: Sequence[FailedEdge]) -> NodeLink:
    """Return the link with the stored relations to businesses whose edges could not be read this time. The stored owner
    is copied too if no edge that was read shows the access."""
    unread = {(each.edge.name, each.edge.business_id) for each in failed if not each.is_refused}
    if stored is None or not unread:
        return link
    remaining = tuple(each for each in stored.related if (each.get("via"), each.get("id")) in unread)
    if not remaining:
        return link
    link = dataclasses.replace(link, related=(*link.related, *remaining))
    if link.access != "unknown":
        return link
    return dataclasses.replace(
        link, access=stored.access, owner_business=stored.owner_business, owner_business_id=stored.owner_business_id
    )


def _accesses(links: Iterable[NodeLink], through: str) -> list[Access]:
    return [
        Access(
            node_id=link.id, token_ref=link.token_ref, through_ref=through, tasks=link.tasks, access=link.access,
            owner_business=link.owner_business, owner_business_id=link.owner_business_id,
        )
        for link in links
    ]


def _unread(failed: Iterable[FailedEdge]) -> list[UnreadEdge]:
    return [
        UnreadEdge(path=each.edge.path, kinds=each.hidden_kinds, reason=each.reason, is_refused=each.is_refused)
        for each in failed
    ]


def _record(
    connection: sa.Connection, before: Mapping[str, NodeState], *, through: str | None, now: dt.datetime
) -> list[LinkChange]:
    accesses, recorded = access.in_use_by_node(connection), history.open_states(connection)
    linked = history.linked_states(connection)
    after = {node_id: merged(state, accesses.get(node_id, ())) for node_id, state in linked.items()}
    changes = list(diff(before, after, through_ref=through))
    history.update_links(connection, [state for id, state in after.items() if linked[id] != state], now=now)
    history.record(connection, [state for id, state in after.items() if recorded.get(id) != state], changes, now=now)
    return changes
