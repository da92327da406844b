"""A client of a sandbox in this process: sends requests to its Graph without HTTP."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
EVERY_STATUS = json.dumps([
    {"field": "ad.effective_status", "operator": "IN",
     "value": ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "CAMPAIGN_PAUSED", "ADSET_PAUSED"]},
])


def new_graph(**options: Any) -> Graph:
    return Graph(seed=1, now=NOW, **options)


def call(
    graph: Graph, path: str, method: str = "GET", *, version: str = "v26.0", token: str | None = None, **params: Any
) -> tuple[GraphResponse, Any]:
    """Return the response and its body as JSON, None for an empty one; the system user calls unless a token is given."""
    response = graph.answer(GraphRequest(
        method=method, path=path, version=version,
        params={name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()},
        headers={"authorization": f"Bearer {token or graph.identity.system_user_token}"}, base_url="http://sandbox",
    ))
    return response, json.loads(response.content or b"null")


def advance(graph: Graph, **duration: int) -> None:
    """Move the sandbox's clock forward by this duration, in timedelta's units."""
    assert graph.fixed_now is not None
    graph.fixed_now += dt.timedelta(**duration)


def fetch_all(graph: Graph, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of all pages."""
    rows: list[dict[str, Any]] = []
    while True:
        page = call(graph, path, **params)[1]
        rows += page["data"]
        if "next" not in page.get("paging", {}):
            return rows
        params["after"] = page["paging"]["cursors"]["after"]


def fetch_by_report_run(graph: Graph, path: str, **params: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the last status of a report run, and its rows."""
    run_id = call(graph, path, "POST", **params)[1]["report_run_id"]
    for _ in range(6):
        status = call(graph, run_id, fields="async_status,error_code,error_subcode")[1]
    return status, fetch_all(graph, f"{run_id}/insights", limit="5000")


def days(since: str, until: str) -> dict[str, str]:
    return {"since": since, "until": until}


def total(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows if name in row), Decimal(0))
