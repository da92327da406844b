"""Doubts that a reader must know before using a node's figures: it is held back, or one of its checks fails."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.report.marts.published_marts import PublishedMarts

STATUS = "account_status"
_DOUBTS = """
select coalesce(node_name, node_id), failed_checks, is_held_back, held_back_reason,
    strftime(last_good_at at time zone 'UTC', '%Y-%m-%d %H:%M') as last_good_at
from marts.account_status
where failed_checks > 0 or is_held_back
order by is_held_back desc, failed_checks desc, node_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A node whose figures are held back or fail a check. `last_good_at`: the publication that is shown, UTC; None if
    its rows are left out."""

    name: str
    failed_checks: int
    is_held_back: bool
    reason: str | None
    last_good_at: str | None


def doubts(marts: PublishedMarts) -> list[Doubt]:
    """Return the nodes whose figures are in doubt, those that are held back first."""
    required = marts.has(STATUS, "node_name", "failed_checks", "is_held_back", "held_back_reason", "last_good_at")
    return [
        Doubt(name=name, failed_checks=failed, is_held_back=is_held, reason=reason, last_good_at=last_good_at)
        for name, failed, is_held, reason, last_good_at in (marts.rows(_DOUBTS) if required else ())
    ]
