"""The range of one node that one worker reads, and its outcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.node_kinds import AD_ACCOUNT, NodeKind
from meta_pipeline.status.forecast import are_entities_stale
from meta_pipeline.store.pulls import deferrals


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRange:
    """Days of a node to read, both inclusive, of these reports. With `has_entities`, the listings of an ad account as
    well."""

    kind: NodeKind
    node_id: str
    since: dt.date
    until: dt.date
    reports: tuple[str, ...]
    backfill_id: str
    has_entities: bool = True

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Return every day of the range, in order."""
        return Range(self.since, self.until).days


@dataclass(frozen=True, slots=True)
class RangeOutcome:
    """The outcome of a range: the reasons of its failed days, none when every day landed."""

    node_range: NodeRange
    reasons: tuple[str, ...]


def are_listings_due(node_range: NodeRange, *, engine: sa.Engine, now: dt.datetime) -> bool:
    """Return whether the listings of an ad account are to be read now.

    They are read once per backfill, not while a limit of Meta holds, and when single reports were requested only if
    they are stale."""
    node_id, backfill_id = node_range.node_id, node_range.backfill_id
    if node_range.kind != AD_ACCOUNT or listings.have_landed(engine, node_id, backfill_id=backfill_id):
        return False
    if deferrals.due_at(engine, backfill_id=backfill_id, node_id=node_id) is not None:
        return False
    return node_range.has_entities or are_entities_stale(engine, node_id, now=now)
