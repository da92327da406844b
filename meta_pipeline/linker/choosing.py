"""Decide which nodes are read every day, from the choices, the default and how long a node has been lost. No clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.records import NodeLink
from meta_pipeline.store.nodes import choices, history
from meta_pipeline.store.nodes.choices import NodeChoice

# `read`: every day; `left out`: only when a command names it; `paused`: never; `lost`: no token has reached it for
# longer than the grace period; it is read again as soon as a token reaches it.
Status = Literal["read", "left out", "paused", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The facts that decide about every node: the choices, the nodes that are lost and since when, the nodes that are
    chosen by default (None: every node), and how long a lost node is still tried."""

    choices: Mapping[str, NodeChoice]
    lost_since: Mapping[str, dt.datetime]
    chosen_by_default: Collection[str] | None
    grace: dt.timedelta

    def status(self, node_id: str, *, now: dt.datetime) -> Status:
        """Return the status of a node. `paused` and `left_out` take precedence over a loss, a loss over `chosen`, and
        `chosen` over the default."""
        choice = self.choices.get(node_id)
        if choice is not None and choice.choice == "paused":
            return "paused"
        if choice is not None and choice.choice == "left_out":
            return "left out"
        lost_at = self.lost_since.get(node_id)
        if lost_at is not None and now - lost_at >= self.grace:
            return "lost"
        is_default = self.chosen_by_default is None or node_id in self.chosen_by_default
        return "read" if choice is not None or is_default else "left out"

    def read(self, links: Iterable[NodeLink], *, now: dt.datetime) -> list[NodeLink]:
        """Return the links of the nodes that are read every day."""
        return [link for link in links if self.status(link.id, now=now) == "read"]


def selection(engine: sa.Engine, *, chosen_by_default: Collection[str] | None, grace: dt.timedelta) -> Selection:
    """Read the choices and the lost nodes; return them with this default and this grace period."""
    return Selection(
        choices=choices.find_all(engine), lost_since=history.lost_since(engine), chosen_by_default=chosen_by_default,
        grace=grace,
    )
