"""Compute in which direction two businesses share (docs/graph-api.md §5.2). The `clients` of a business are the
businesses whose assets it may use; its `agencies` are the partners that may use its assets."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import AccessToken


class _Partner(msgspec.Struct):
    id: str


def only_we_share(
    our_business: str, their_businesses: Collection[str], *, is_theirs: bool, graph: GraphClient, token: AccessToken
) -> set[str]:
    """Return those of their businesses that may use our assets while we may use none of theirs. `is_theirs`: the token
    is theirs, so their side of the share is read; otherwise our side is read."""
    if not is_theirs:
        ours = _partners(our_business, graph=graph, token=token)
        return {id for id in their_businesses if id in ours["agencies"] and id not in ours["clients"]}
    wrong = set()
    for id in sorted(their_businesses):
        theirs = _partners(id, graph=graph, token=token)
        if our_business in theirs["clients"] and our_business not in theirs["agencies"]:
            wrong.add(id)
    return wrong


def partner_in(record: bytes) -> str:
    """Return the id of the partner in a row of `clients` or `agencies`."""
    return msgspec.json.decode(record, type=_Partner).id


def _partners(business_id: str, *, graph: GraphClient, token: AccessToken) -> dict[str, set[str]]:
    return {
        edge: {
            partner_in(record)
            for batch in graph.batches(
                f"{business_id}/{edge}", {"fields": ["id"], "limit": 100}, token=token, kind=CallKind.BUSINESSES
            )
            for record in batch.records
        }
        for edge in ("clients", "agencies")
    }
