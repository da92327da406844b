"""The businesses of each token and what their edges list: owned, shared and pending nodes, whether the token may read
them or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import tokens
from meta_pipeline.store.schema.nodes import business_assets, businesses

# `reached`: the token may read the node; `unassigned`: the business has it, but the token's person or system user has
# no role on it; `pending`: a request must be accepted first.
AssetStatus = Literal["reached", "unassigned", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessAsset:
    """A node that an edge (`client_pages`) of a business lists."""

    business_id: str
    edge: str
    node_id: str
    kind: str
    name: str
    status: AssetStatus
    owner_business: str | None


def replace_in(
    connection: sa.Connection,
    through_ref: str,
    names: Mapping[str, str],
    assets: Iterable[BusinessAsset],
    *,
    unread: Collection[tuple[str, str]],
    now: dt.datetime,
) -> None:
    """Replace the businesses of a token (names by id) and what they list. The earlier entries of an `unread` edge of a
    business stay."""
    connection.execute(businesses.delete().where(businesses.c.through_ref == through_ref))
    if names:
        connection.execute(
            businesses.insert(),
            [{"id": id, "through_ref": through_ref, "name": name, "seen_at": now} for id, name in names.items()],
        )
    is_unread = [
        sa.and_(business_assets.c.business_id == business, business_assets.c.edge == edge) for business, edge in unread
    ]
    connection.execute(
        business_assets.delete().where(
            business_assets.c.through_ref == through_ref, sa.not_(sa.or_(sa.false(), *is_unread))
        )
    )
    rows = {(asset.business_id, asset.edge, asset.node_id): asset for asset in assets}
    if rows:
        connection.execute(
            business_assets.insert(),
            [
                {
                    "through_ref": through_ref, "business_id": asset.business_id, "edge": asset.edge,
                    "node_id": asset.node_id, "kind": asset.kind, "name": asset.name, "status": asset.status,
                    "owner_business": asset.owner_business, "seen_at": now,
                }
                for asset in rows.values()
            ],
        )


def names(engine: sa.Engine, *, through_ref: str | None = None) -> dict[str, str]:
    """Return the businesses of one token or of all: names by id."""
    query = (
        sa.select(businesses).outerjoin(tokens, tokens.c.id == businesses.c.through_ref)
        .where(tokens.c.retired_at.is_(None)).order_by(businesses.c.id, businesses.c.seen_at)
    )
    if through_ref is not None:
        query = query.where(businesses.c.through_ref == through_ref)
    with engine.connect() as connection:
        return {row.id: row.name for row in connection.execute(query)}


def names_by_token(engine: sa.Engine) -> dict[str, dict[str, str]]:
    """Return the businesses of every token, retired ones too: names by id."""
    by_token: dict[str, dict[str, str]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(businesses)):
            by_token.setdefault(row.through_ref, {})[row.id] = row.name
    return by_token


def assets_by_token(engine: sa.Engine) -> dict[str, list[BusinessAsset]]:
    """Return everything that the businesses of every token list; retired tokens too."""
    by_token: dict[str, list[BusinessAsset]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(business_assets)):
            by_token.setdefault(row.through_ref, []).append(_asset(row))
    return by_token


def find_unread(engine: sa.Engine) -> list[BusinessAsset]:
    """Return the nodes that businesses list and no token could read at that time, each once, ordered by kind and id:
    its pending entry before an unassigned one."""
    first_pending = sa.case((business_assets.c.status == "pending", 0), else_=1)
    query = (
        sa.select(business_assets).outerjoin(tokens, tokens.c.id == business_assets.c.through_ref)
        .where(tokens.c.retired_at.is_(None))
        .order_by(business_assets.c.kind, business_assets.c.node_id, first_pending, business_assets.c.edge)
    )
    listed: dict[str, BusinessAsset] = {}
    reached: set[str] = set()
    with engine.connect() as connection:
        for row in connection.execute(query):
            if row.status == "reached":
                reached.add(row.node_id)
            else:
                listed.setdefault(row.node_id, _asset(row))
    return [asset for node_id, asset in listed.items() if node_id not in reached]


def find_of_node(engine: sa.Engine, node_id: str) -> list[BusinessAsset]:
    """Return every listing of one node."""
    query = sa.select(business_assets).where(business_assets.c.node_id == node_id).order_by(business_assets.c.edge)
    with engine.connect() as connection:
        return [_asset(row) for row in connection.execute(query)]


def _asset(row: sa.Row[tuple[object, ...]]) -> BusinessAsset:
    return BusinessAsset(
        business_id=row.business_id, edge=row.edge, node_id=row.node_id, kind=row.kind, name=row.name,
        status=row.status, owner_business=row.owner_business,
    )
