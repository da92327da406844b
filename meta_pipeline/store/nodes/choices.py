"""The choices of nodes: read every day, left out or paused; a node without a row follows the default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.nodes import node_choices
from meta_pipeline.store.upserts import insert_or_replace

Choice = Literal["chosen", "left_out", "paused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoice:
    """The choice for one node: `chosen` is read every day, `left_out` only when a command names it, `paused` never.
    `chosen_by`: the command or page."""

    node_id: str
    choice: Choice
    chosen_at: dt.datetime
    chosen_by: str


def save(engine: sa.Engine, node_ids: Iterable[str], choice: Choice, *, chosen_by: str, now: dt.datetime) -> None:
    """Record a choice for these nodes; it replaces earlier ones."""
    insert_or_replace(
        engine, node_choices,
        [
            {"node_id": node_id, "choice": choice, "chosen_at": now, "chosen_by": chosen_by}
            for node_id in dict.fromkeys(node_ids)
        ],
    )


def find_all(engine: sa.Engine) -> dict[str, NodeChoice]:
    """Return every choice, by node."""
    with engine.connect() as connection:
        return {row.node_id: _choice(row) for row in connection.execute(sa.select(node_choices))}


def find(engine: sa.Engine, node_id: str) -> NodeChoice | None:
    """Return the choice for one node; None when it follows the default."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(node_choices).where(node_choices.c.node_id == node_id)).first()
    return None if row is None else _choice(row)


def _choice(row: sa.Row[tuple[object, ...]]) -> NodeChoice:
    return NodeChoice(
        node_id=row.node_id, choice=row.choice, chosen_at=row.chosen_at, chosen_by=row.chosen_by
    )
