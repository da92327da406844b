"""The tokens that reach each node, as discovery recorded them, in the order in which they are used."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import tokens
from meta_pipeline.store.schema.nodes import node_access

READING_TASK = "ANALYZE"  # the task that reading insights of an ad account or Page requires (docs/graph-api.md §5.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A node, the token that reads it, and the token (of a person or system user) through which discovery reached it.
    `access` and the owner are as that token sees them; None if no discovery has recorded them."""

    node_id: str
    token_ref: str
    through_ref: str
    tasks: tuple[str, ...]
    access: Literal["owned", "partner", "unknown"] | None = None
    owner_business: str | None = None
    owner_business_id: str | None = None

    @property
    def may_read(self) -> bool:
        """Return whether the tasks suffice to read insights; True if Meta did not return any."""
        return not self.tasks or READING_TASK in self.tasks


# A replaced token reads the same nodes as the newer one.
_IS_TOKEN = sa.or_(tokens.c.id == node_access.c.token_ref, tokens.c.replaced_by == node_access.c.token_ref)


def usable_by_node(engine: sa.Engine) -> dict[str, list[Access]]:
    """Return every node's accesses whose token is not retired, best first: those that may read, system users before
    people, those that never expire before those that do, the latest expiry first."""
    by_node: dict[str, list[Access]] = {}
    for access in _usable(engine, sa.true()):
        by_node.setdefault(access.node_id, []).append(access)
    return by_node


def by_source_token(engine: sa.Engine) -> dict[str, list[Access]]:
    """Return what the newest discovery of every token reached, by token; retired tokens too."""
    by_token: dict[str, list[Access]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(node_access)):
            by_token.setdefault(row.through_ref, []).append(_access(row))
    return by_token


def readers(engine: sa.Engine, node_id: str) -> list[Access]:
    """Return the accesses of one node, best first."""
    return _usable(engine, node_access.c.node_id == node_id)


def _usable(engine: sa.Engine, where: sa.ColumnElement[bool]) -> list[Access]:
    query = (
        sa.select(node_access, tokens.c.kind, tokens.c.expires_at, tokens.c.replaced_by, tokens.c.id.label("used_ref"))
        .join(tokens, _IS_TOKEN)
        .where(where, tokens.c.retired_at.is_(None))
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    ordered = sorted(
        ((_access(row), row) for row in rows),
        key=lambda pair: (
            not pair[0].may_read, pair[1].kind != "system_user", pair[1].replaced_by is not None,
            -(pair[1].expires_at or never).timestamp(), pair[0].token_ref,
        ),
    )
    return [
        access if row.replaced_by is None
        else dataclasses.replace(access, token_ref=row.used_ref, through_ref=row.used_ref) for access, row in ordered
    ]


def _access(row: sa.Row[Any]) -> Access:
    return Access(
        node_id=row.node_id, token_ref=row.token_ref, through_ref=row.through_ref, tasks=tuple(row.tasks),
        access=row.access, owner_business=row.owner_business, owner_business_id=row.owner_business_id,
    )


def in_use_by_node(connection: sa.Connection) -> dict[str, list[Access]]:
    """Return every node's accesses whose token is not retired, the most recently seen first."""
    query = (
        sa.select(node_access).outerjoin(tokens, _IS_TOKEN)
        .where(tokens.c.retired_at.is_(None))
        .order_by(node_access.c.node_id, node_access.c.seen_at.desc(), node_access.c.through_ref)
    )
    by_node: dict[str, list[Access]] = {}
    for row in connection.execute(query):
        by_node.setdefault(row.node_id, []).append(_access(row))
    return by_node


def replace(engine: sa.Engine, through_ref: str, accesses: Iterable[Access], *, now: dt.datetime) -> None:
    """Replace the nodes that a token reaches with the result of its newest discovery; other tokens' access stays."""
    with engine.begin() as connection:
        replace_in(connection, through_ref, accesses, now=now)


def replace_in(
    connection: sa.Connection, through_ref: str, accesses: Iterable[Access], *, now: dt.datetime
) -> None:
    """Replace the nodes that a token reaches, in this transaction."""
    rows = {access.node_id: access for access in accesses}
    connection.execute(node_access.delete().where(node_access.c.through_ref == through_ref))
    if rows:
        connection.execute(
            node_access.insert(),
            [
                {
                    "node_id": access.node_id, "through_ref": through_ref, "token_ref": access.token_ref,
                    "tasks": list(access.tasks), "seen_at": now, "access": access.access,
                    "owner_business": access.owner_business, "owner_business_id": access.owner_business_id,
                }
                for access in rows.values()
            ],
        )


def nodes_of(engine: sa.Engine, token_ref: str) -> list[str]:
    """Return the nodes that are read with a token, or were discovered through it."""
    query = sa.select(node_access.c.node_id).where(
        sa.or_(node_access.c.token_ref == token_ref, node_access.c.through_ref == token_ref)
    )
    with engine.connect() as connection:
        return sorted(set(connection.execute(query).scalars()))


def nodes_stopped_by(token_refs: Set[str], usable_now: Mapping[str, list[Access]], nodes: Iterable[str]) -> list[str]:
    """Return those of `nodes` that only these tokens can read."""
    return [
        node for node in nodes
        if not any(access.may_read and not token_refs & {access.token_ref, access.through_ref}
                   for access in usable_now.get(node, ()))
    ]
