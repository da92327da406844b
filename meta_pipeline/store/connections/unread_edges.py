"""The edges that the newest discovery through a token could not read: its links may be incomplete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.nodes import unread_edges


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadEdge:
    """An edge (`me/accounts`), the kinds of nodes it lists, and why it was not read. `is_refused`: Meta denied the
    token access to it; otherwise its nodes stay linked."""

    path: str
    kinds: tuple[str, ...]
    reason: str
    is_refused: bool


def replace(engine: sa.Engine, token_ref: str, edges: Iterable[UnreadEdge], *, now: dt.datetime) -> None:
    """Record the edges that the newest discovery through this token could not read; earlier ones are removed."""
    with engine.begin() as connection:
        replace_in(connection, token_ref, edges, now=now)


def replace_in(
    connection: sa.Connection, token_ref: str, edges: Iterable[UnreadEdge], *, now: dt.datetime
) -> None:
    """Record the unread edges in this transaction."""
    rows = {
        edge.path: {
            "token_ref": token_ref, "path": edge.path, "kinds": list(edge.kinds), "reason": edge.reason,
            "is_refused": edge.is_refused, "failed_at": now,
        }
        for edge in edges
    }
    connection.execute(unread_edges.delete().where(unread_edges.c.token_ref == token_ref))
    if rows:
        connection.execute(unread_edges.insert(), list(rows.values()))


def by_token(engine: sa.Engine) -> dict[str, list[UnreadEdge]]:
    """Return the unread edges of every token that has any, by path."""
    edges: dict[str, list[UnreadEdge]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(unread_edges).order_by(unread_edges.c.path)):
            edge = UnreadEdge(path=row.path, kinds=tuple(row.kinds), reason=row.reason, is_refused=row.is_refused)
            edges.setdefault(row.token_ref, []).append(edge)
    return edges
