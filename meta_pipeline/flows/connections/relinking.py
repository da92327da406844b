"""Link the nodes that the tokens reach now: discover them, and store the changes. Erased nodes are not linked again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.flows.connections.tokens import check_token, retire_if_invalid
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TokenError
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery, discover
from meta_pipeline.records import AccessToken, NodeLink, TokenRef
from meta_pipeline.store.connections import grants
from meta_pipeline.store.leaving import erased_rows
from meta_pipeline.store.nodes import business_assets
from meta_pipeline.vault.vault import Vault

IsErased = Callable[[Literal["node", "business"], str], bool]


def relink(
    ref: TokenRef, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> Discovery:
    """Link the nodes that the token of a person or system user reaches now, and unlink those that it lost. Nodes behind
    an edge that could not be read stay linked, because the token may still reach them."""
    token = tokens.reveal(ref.id, flow="relink")
    is_erased = erased_before(ref, tokens=tokens, engine=engine)

    def keep_page_token(page_id: str, page_name: str, token: AccessToken) -> str:
        if is_erased("node", page_id):
            return ref.id
        return tokens.keep(
            token, subject_id=page_id, subject_name=page_name, scopes=ref.scopes, expires_at=None,
            data_access_expires_at=ref.data_access_expires_at, parent_ref=ref.id,
        ).id

    try:
        discovery = discover(
            graph=graph, token=token, token_ref=ref.id, keep_page_token=keep_page_token,
            earlier_businesses=business_assets.names(engine, through_ref=ref.id),
        )
    except TokenError as error:
        retire_if_invalid(token, error, graph=graph, tokens=tokens, now=now)
        raise
    discovery = without_erased(discovery, is_erased)
    links.save(engine, discovery, through=ref.id, now=now)
    return discovery


def erased_before(ref: TokenRef, *, tokens: Vault, engine: sa.Engine) -> IsErased:
    """Return a function that tells whether a node or business was erased after the latest consent behind this token.
    Such a node is not linked again, even if the token still reaches it."""
    erased_at = erased_rows.find_erased_nodes(engine)
    if not erased_at:
        return lambda noun, id: False
    digest, grant = tokens.signing_key().digest, grants.latest(engine).get(ref.id)

    def is_erased(noun: str, id: str) -> bool:
        at = erased_at.get(digest(f"{noun}:{id}"))
        return at is not None and (grant is None or grant.granted_at <= at)

    return is_erased


def without_erased(discovery: Discovery, is_erased: IsErased) -> Discovery:
    """Return a discovery without erased nodes and businesses, their relations and their business assets."""
    def stays(id: str) -> bool:
        return not (is_erased("node", id) or is_erased("business", id))

    return dataclasses.replace(
        discovery,
        links=tuple(
            dataclasses.replace(link, related=tuple(each for each in link.related if stays(str(each.get("id")))))
            for link in discovery.links if stays(link.id)
        ),
        businesses={id: name for id, name in discovery.businesses.items() if stays(id)},
        assets=tuple(each for each in discovery.assets if stays(each.node_id) and stays(each.business_id)),
    )


def check(ref_id: str, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime) -> None:
    """Inspect the token of one connection, and link the nodes that it reaches now."""
    ref = tokens.ref(ref_id)
    if not check_token(ref, graph=graph, tokens=tokens, now=now):
        relink(tokens.ref(ref_id), graph=graph, tokens=tokens, engine=engine, now=now)


def relink_all(
    *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> tuple[list[NodeLink], list[str]]:
    """Link the nodes that all tokens reach now; return all links, and a sentence for each edge or token that failed."""
    linked: list[NodeLink] = []
    problems: list[str] = []
    for ref in tokens.refs():
        if ref.kind == "page":
            continue
        try:
            discovery = relink(ref, graph=graph, tokens=tokens, engine=engine, now=now)
            linked.extend(discovery.links)
            problems.extend(f"with the token of {ref.subject_name}: {unread}" for unread in discovery.unread)
        except GraphError as error:
            problems.append(f"the nodes of {ref.subject_name} could not be discovered again: {error}")
    links.settle(engine, now=now)
    return linked, problems
