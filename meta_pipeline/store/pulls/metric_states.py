"""The metrics of each node: when each was last requested and answered, and since when it has been empty or dead."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.pulls import metric_states
from meta_pipeline.store.upserts import insert_or_replace

_KEY = ("node_id", "report", "applies_to", "metric")
LONGEST_REASON = 500  # characters of Meta's message


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricState:
    """One metric of a report of a node. `applies_to`: the media type if metrics differ by it, otherwise empty;
    `answered_at`: when it last had a value; `empty_since`: since when responses have had no value; `dead_since`: since
    when Meta has refused its name, with `reason`; `probed_at`: when it was last requested while dead."""

    node_id: str
    report: str
    metric: str
    applies_to: str = ""
    requested_at: dt.datetime
    answered_at: dt.datetime | None = None
    empty_since: dt.datetime | None = None
    dead_since: dt.datetime | None = None
    probed_at: dt.datetime | None = None
    reason: str | None = None


def find_all(engine: sa.Engine, *, node_id: str | None = None, report: str | None = None) -> list[MetricState]:
    """Return the states of all metrics, or of those of one node, or of one report of it."""
    query = sa.select(metric_states).order_by(*(metric_states.c[name] for name in _KEY))
    if node_id is not None:
        query = query.where(metric_states.c.node_id == node_id)
    if report is not None:
        query = query.where(metric_states.c.report == report)
    with engine.connect() as connection:
        return [MetricState(**row._mapping) for row in connection.execute(query)]


def save(engine: sa.Engine, states: Iterable[MetricState]) -> None:
    """Insert or replace these states, in one transaction."""
    rows = [
        {**dataclasses.asdict(state), "reason": state.reason and state.reason[:LONGEST_REASON]} for state in states
    ]
    insert_or_replace(engine, metric_states, rows)
