"""The Instagram accounts that ads of an ad account may appear as (docs/graph-api.md §5.5). Each ad account
has its own edge, so the edges are read in batch requests, once a week, for the accounts that are read daily."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.linker.edges import IDENTITIES, Instagram
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT
from meta_pipeline.records import MetaPipelineError, NodeLink
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.landed import listing_sweeps
from meta_pipeline.vault.vault import Vault

EVERY = dt.timedelta(days=7)
MOST = 200  # ad accounts in one call of `read_identities`: Meta charges each as a call
_REQUEST = {"fields": list(IDENTITIES.fields), "limit": IDENTITIES.limit}


class _Rows(msgspec.Struct):
    data: list[Instagram]


def read_identities(
    links: Iterable[NodeLink], *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> list[str]:
    """Record which Instagram accounts are assigned to these ad accounts. One call reads at most MOST of those that were
    not read for a week, oldest read first. Return a sentence for each that could not be read; the next call retries
    it."""
    read_at = listing_sweeps.swept_by_node(engine, kind=IDENTITIES.name)
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    due = sorted(
        (link for link in links if link.kind == AD_ACCOUNT.name and now - read_at.get(link.id, never) >= EVERY),
        key=lambda link: (read_at.get(link.id, never), link.id),
    )
    by_token: dict[str, list[NodeLink]] = {}
    for link in due[:MOST]:
        by_token.setdefault(link.token_ref, []).append(link)
    problems: list[str] = []
    for token_ref, of_token in by_token.items():
        try:
            problems += _read(token_ref, of_token, graph=graph, tokens=tokens, engine=engine, now=now)
        except MetaPipelineError as error:
            problems.append(f"the Instagram accounts of {len(of_token)} ad accounts were not read: {error}")
    return problems


def _read(
    token_ref: str, links: list[NodeLink], *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> list[str]:
    token, problems = tokens.reveal(token_ref, flow="identities"), list[str]()
    operations = [Operation(f"{link.id}/{IDENTITIES.name}", _REQUEST, CallKind.AD_OBJECTS) for link in links]
    for link, answer in zip(links, graph.batch(operations, token=token), strict=True):
        try:
            if isinstance(answer, GraphError):
                raise answer
            rows = msgspec.convert(answer.object, _Rows).data
        except (GraphError, msgspec.ValidationError) as error:
            problems.append(f"{link.id}/{IDENTITIES.name} was not read: {error}")
            continue
        relations = [{"kind": INSTAGRAM_ACCOUNT.name, "id": row.id, "via": IDENTITIES.name} for row in rows]
        node_links.relate(engine, link.id, relations, via={IDENTITIES.name})
        listing_sweeps.record_sweep(engine, node_id=link.id, kind=IDENTITIES.name, request_digest="", at=now)
    return problems
