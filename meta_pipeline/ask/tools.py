"""The tools: their names, descriptions, arguments and answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic

from meta_pipeline.ask.answers import table
from meta_pipeline.ask.basis import basis_of
from meta_pipeline.ask.catalogue import describe, list_marts
from meta_pipeline.ask.explanation import explain
from meta_pipeline.ask.marts import DEFAULT_ROWS, MOST_ROWS, SECONDS, Marts
from meta_pipeline.ask.metric_query import MetricQuestion, query_metric
from meta_pipeline.ask.metrics import Metric
from meta_pipeline.publish.readers.query import LONGEST_QUERY

_Name = Annotated[str, pydantic.Field(min_length=1, max_length=200)]
_Value = Annotated[str, pydantic.Field(max_length=1_000)] | int | bool | None
_Values = Annotated[list[_Value], pydantic.Field(max_length=500)]
_Where = Annotated[dict[_Name, _Value | _Values], pydantic.Field(max_length=20)]
_Rows = Annotated[int, pydantic.Field(ge=1, le=MOST_ROWS)]


class Arguments(pydantic.BaseModel):
    """The arguments of a tool; unknown ones are refused."""

    model_config = pydantic.ConfigDict(extra="forbid")


class NoArguments(Arguments):
    """A tool without arguments."""


class DescribeArguments(Arguments):
    """A mart."""

    mart: _Name


class MetricArguments(Arguments):
    """A metric, its dimensions, rows, days and periods."""

    metric: _Name = pydantic.Field(description="a metric that list_marts names, or reach")
    dimensions: list[_Name] = pydantic.Field(
        default=[], alias="by", max_length=10, description="account, campaign, ad_set, ad, currency, or a breakdown",
    )
    where: _Where = pydantic.Field(default={}, description="a column and the value it equals, or a list of such values")
    since: dt.date | None = pydantic.Field(default=None, description="first day, on each account's own calendar")
    until: dt.date | None = pydantic.Field(default=None, description="last day")
    grain: Literal["total", "day", "week", "month", "quarter", "year", "7 days", "28 days"] = pydantic.Field(
        default="total", description="length of a period; reach: day, 7 days, 28 days or month, as Meta measured it"
    )
    limit: _Rows = DEFAULT_ROWS


class SqlArguments(Arguments):
    """A query."""

    query: Annotated[str, pydantic.Field(min_length=1, max_length=LONGEST_QUERY)]
    limit: _Rows = DEFAULT_ROWS


class ExplainArguments(Arguments):
    """A figure of a mart."""

    mart: _Name
    metric: _Name = pydantic.Field(description="a metric, or a column of the mart")
    account_id: _Name = pydantic.Field(description="id of the ad account, or of the Page or Instagram account")
    date_day: dt.date
    ids: _Where = pydantic.Field(
        default={}, description="other columns that name the row, such as campaign_id, ad_id, country; grain for reach"
    )


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its description, its arguments and its answer, without the basis of the file."""

    description: str
    arguments: type[Arguments]
    answer: Callable[[Marts, Any, Mapping[str, Metric]], dict[str, Any]]


def _sql(marts: Marts, arguments: SqlArguments) -> dict[str, Any]:
    answer = marts.read(arguments.query, limit=arguments.limit)
    notes = [f"only the first {len(answer.rows)} rows: set limit, or aggregate"] if answer.is_cut else []
    return {"notes": notes, **table(answer.columns, answer.rows)}


TOOLS: Mapping[str, Tool] = {
    "list_marts": Tool(
        "List the marts (schema marts) with grain, description, rows and days, the metrics and the breakdowns.",
        NoArguments, lambda marts, _, metrics: list_marts(marts, metrics=dict(metrics)),
    ),
    "describe": Tool(
        "Describe a mart: its columns with types and meaning.",
        DescribeArguments, lambda marts, arguments, _: describe(marts, arguments.mart),
    ),
    "query_metric": Tool(
        "Compute a metric of ads by dimensions and period, from sums. It never mixes currencies and refuses grains "
        "that Meta did not measure, especially for reach. Prefer it to sql for metrics.",
        MetricArguments,
        lambda marts, arguments, metrics: query_metric(
            marts, MetricQuestion(**{name: getattr(arguments, name) for name in MetricArguments.model_fields}),
            metrics=metrics,
        ),
    ),
    "sql": Tool(
        f"Run one DuckDB query that reads, for at most {SECONDS:g} s. Never add up reach, rates, or amounts of several "
        "currencies.",
        SqlArguments, lambda marts, arguments, _: _sql(marts, arguments),
    ),
    "explain_number": Tool(
        "Explain a figure of an account's day: the exact request to Meta with run, trace, API version and time, the "
        "load, earlier versions of the day, reconciliation, failed checks, and whether it may still change.",
        ExplainArguments,
        lambda marts, arguments, metrics: explain(
            marts, mart=arguments.mart, metric=arguments.metric, account_id=arguments.account_id,
            date_day=arguments.date_day, ids=arguments.ids, metrics=metrics,
        ),
    ),
}


def answer(name: str, marts: Marts, arguments: Arguments, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Return a tool's answer with its basis: the published file and, if they are known, the days of the answer."""
    result = TOOLS[name].answer(marts, arguments, metrics)
    own = result.pop("basis", {})
    return {**result, **basis_of(marts, mart=result.get("mart")), **own}
