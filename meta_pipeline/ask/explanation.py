"""`explain_number`: the origin of a figure of an account's day, and its state."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from meta_pipeline.ask.answers import AskError, plain
from meta_pipeline.ask.basis import state_of_days
from meta_pipeline.ask.conditions import Where, condition_of
from meta_pipeline.ask.marts import Marts
from meta_pipeline.ask.metrics import ALIASES, Metric
from meta_pipeline.ask.origin import Origin, origin_of
from meta_pipeline.display import printable

_MOST_RESPONSES = 20


def explain(
    marts: Marts,
    *,
    mart: str,
    metric: str,
    account_id: str,
    date_day: dt.date,
    ids: Where,
    metrics: Mapping[str, Metric],
) -> dict[str, Any]:
    """Return the figure, the responses of Meta that it was read from, and the state of the account's day."""
    marts.check(mart)
    account_id = account_id.removeprefix("act_")
    origin = origin_of(marts, mart, metric, ids)
    where = {origin.account_column: account_id, **ids}
    condition, values = condition_of(marts, mart, where, since=date_day, until=date_day)
    basis = state_of_days(marts, mart, condition, values) if origin.account_column == "account_id" else {}
    return {
        "mart": mart, "account_id": account_id, "date_day": plain(date_day),
        "value": _value(marts, mart, metric, condition, values, metrics),
        "responses": _responses(marts, origin, account_id, date_day, ids),
        **_day(marts, origin, account_id, date_day), "basis": basis,
    }


def _value(
    marts: Marts, mart: str, metric: str, condition: str, values: list[Any], metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    """Return the figure: a metric of the rows, or the column of one row."""
    rows = marts.rows(f"select count(*) from marts.{mart} where {condition}", values)[0][0]
    if not rows:
        raise AskError("the mart has no such row: check account_id, date_day and ids")
    name = ALIASES.get(metric, metric)
    defined = metrics.get(name)
    if defined is not None and marts.has(mart, *defined.columns):
        expression, definition = defined.sql, defined.description
    elif rows == 1 and marts.has(mart, name):
        expression, definition = f'any_value("{name}")', f"column {name} of the mart"
    elif marts.has(mart, name):
        raise AskError(f"{rows} rows have the column {printable(name, limit=80)}: name a row with ids, such as ad_id")
    else:
        raise AskError(f"{mart} has no column {printable(name, limit=80)!r}: describe lists them")
    figure = marts.rows(f"select {expression} from marts.{mart} where {condition}", values)[0][0]
    return {"metric": name, "figure": plain(figure), "definition": definition, "rows_of_the_mart": rows}


def _responses(
    marts: Marts, origin: Origin, account_id: str, day: dt.date, ids: Where
) -> list[dict[str, Any]] | str:
    """Return the requests and responses that the rows were read from, newest first."""
    if not marts.has_table(origin.schema, origin.table):
        return f"the published file has no rows of {origin.table}"
    parts, values = ["replace(node_id, 'act_', '') = ?", "day = ?"], [account_id, day]
    for column, value in ids.items():
        name = origin.raw_column(column)
        if marts.rows(
            "select 1 from duckdb_columns() where schema_name = ? and table_name = ? and column_name = ?",
            [origin.schema, origin.table, name],
        ):
            parts.append(f'"{name}" = ?')
            values.append(str(value))
    responses = marts.rows(
        "select _request, _run_id, _fbtrace_id, _api_version, _fetched_at, any_value(node_id), count(*) "
        f'from {origin.schema}."{origin.table}" where {" and ".join(parts)} '
        f"group by all order by _fetched_at desc limit {_MOST_RESPONSES}",
        values,
    )
    return [
        {
            "request": _request(marts, origin, node_id, digest, version), "request_digest": plain(digest),
            "run_id": plain(run), "fbtrace_id": plain(trace), "api_version": plain(version),
            "fetched_at": plain(fetched), "raw_table": f"{origin.schema}.{origin.table}", "raw_rows": rows,
        }
        for digest, run, trace, version, fetched, node_id, rows in responses
    ]


def _request(marts: Marts, origin: Origin, node_id: str, digest: str, version: str) -> Any:
    """Return the request as it was sent; None if the warehouse was loaded before it recorded requests."""
    if not marts.has_table("raw_meta_pipeline", "requests"):
        return None
    rows = marts.rows(
        "select request from raw_meta_pipeline.requests where report = ? and node_id = ? and digest = ? limit 1",
        [origin.table, node_id, digest],
    )
    if not rows:
        return None
    parameters = plain(json.loads(rows[0][0]))
    edge = f"/{version}/{node_id}/{origin.edge}" if origin.edge else None
    return {"edge": edge, "parameters": parameters} if edge else {"parameters": parameters}


def _day(marts: Marts, origin: Origin, account_id: str, day: dt.date) -> dict[str, Any]:
    """Return the load, the versions, the reconciliation and the failed checks of the account's day."""
    key = [origin.table, account_id, day]
    own = "raw_meta_pipeline"
    of_day = "report = ? and replace(node_id, 'act_', '') = ? and day = ?"
    return {
        "load": _record(
            marts, f"{own}.changes", "load_number as changed_the_day_in_load, (select max(loads) from "
            f"{own}.warehouse_state) as latest_load, (select max(loaded_at) from {own}.warehouse_state) as loaded_at",
            of_day, key,
        )[:1],
        "versions": _record(
            marts, f"{own}.day_versions", "landed_at as valid_from, replaced_at as valid_to, read_at, rows, spend, "
            "impressions, clicks as clicks_all", f"{of_day} order by landed_at", key,
        ),
        "reconciliation": _record(
            marts, "marts.facebook_ads__reconciliation", "status, spend_difference, impressions_difference, "
            "clicks_difference", "account_id = ? and date_day = ?", [account_id, day],
        )[:1],
        "failed_checks": _record(
            marts, "marts.fct_check_failures", "check_name, severity, report, detail",
            "account_id = ? and date_day = ?", [account_id, day],
        ),
    }


def _record(marts: Marts, place: str, columns: str, condition: str, values: list[Any]) -> list[dict[str, Any]]:
    """Return rows as records; none if the file has no such table."""
    if not marts.has_table(*place.split(".")):
        return []
    answer = marts.read(f"select {columns} from {place} where {condition}", values, limit=50)
    return [plain(dict(zip(answer.columns, row, strict=True))) for row in answer.rows]
