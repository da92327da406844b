"""`query_metric`: a metric by dimensions and days. It is computed from sums, never from other rates, never over two
currencies, and only where its parts were measured together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.ask.answers import AskError, table
from meta_pipeline.ask.basis import state_of_days
from meta_pipeline.ask.conditions import Where, condition_of
from meta_pipeline.ask.marts import DEFAULT_ROWS, Marts
from meta_pipeline.ask.measured import GRAINS, columns_of, mart_for
from meta_pipeline.ask.metrics import ALIASES, Metric
from meta_pipeline.ask.reach import query_reach
from meta_pipeline.display import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuestion:
    """A metric, the dimensions it is grouped by, the rows and days, and the length of a period (`grain`)."""

    metric: str
    dimensions: Sequence[str] = ()
    where: Where = field(default_factory=dict)
    since: dt.date | None = None
    until: dt.date | None = None
    grain: str = "total"
    limit: int = DEFAULT_ROWS


def query_metric(marts: Marts, question: MetricQuestion, *, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Return the figures with the days that they were computed from."""
    if question.metric == "reach":
        return query_reach(
            marts, dimensions=question.dimensions, where=question.where, since=question.since, until=question.until,
            grain=question.grain, limit=question.limit,
        )
    metric = metrics.get(ALIASES.get(question.metric, question.metric))
    if metric is None:
        names = ", ".join([*metrics, *ALIASES, "reach"])
        raise AskError(f"there is no metric {printable(question.metric, limit=80)!r}: there are {names}")
    if question.grain not in GRAINS:
        raise AskError(f"{metric.name} has no grain {question.grain[:40]!r}: {', '.join(GRAINS)} are possible")
    return _query(marts, question, metric)


def _query(marts: Marts, question: MetricQuestion, metric: Metric) -> dict[str, Any]:
    columns, notes = columns_of(list(question.dimensions)), list[str]()
    if metric.has_money and "currency" not in columns:
        columns.append("currency")
        notes.append(f"grouped by currency as well: {metric.name} of two currencies can't be added up or compared")
    mart = mart_for(marts, {*columns, *question.where})
    if missing := sorted(metric.columns - set(marts.columns[mart])):
        raise AskError(f"{metric.name} was not measured by {', '.join(columns)}: {mart} has no {', '.join(missing)}")
    condition, values = condition_of(marts, mart, question.where, since=question.since, until=question.until)
    keys = [f'"{column}"' for column in columns]
    if question.grain != "total":
        keys.insert(0, f"cast(date_trunc('{question.grain}', date_day) as date) as \"{question.grain}\"")
    days = "count(distinct date_day) as days, min(date_day) as first_day, max(date_day) as last_day"
    selected = ", ".join([*keys, f'{metric.sql} as "{metric.name}"', days])
    answer = marts.read(
        f"select {selected} from marts.{mart} where {condition} group by all order by all", values, limit=question.limit
    )
    if answer.is_cut:
        notes.append(f"only the first {len(answer.rows)} rows: choose fewer dimensions, or set limit")
    return {
        "metric": metric.name, "definition": metric.description, "mart": mart, "notes": notes,
        **table(answer.columns, answer.rows), "basis": state_of_days(marts, mart, condition, values),
    }
