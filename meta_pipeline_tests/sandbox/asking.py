"""Asking a sandbox that runs in this process, as a client would."""

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


def ask(graph: Graph, path: str, method: str = "GET", **params: Any) -> tuple[GraphResponse, Any]:
    headers = {"authorization": f"Bearer {graph.identity.system_user_token}"}
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
    answer = graph.answer(GraphRequest(
        method=method, path=path, version="v26.0", params=told, headers=headers, base_url="http://sandbox",
    ))
    return answer, json.loads(answer.content)


def every(graph: Graph, path: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of all pages."""
    rows: list[dict[str, Any]] = []
    while True:
        page = ask(graph, path, **params)[1]
        rows += page["data"]
        if "next" not in page.get("paging", {}):
            return rows
        params["after"] = page["paging"]["cursors"]["after"]


def by_run(graph: Graph, path: str, **params: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a report run ends, and its rows."""
    run_id = ask(graph, path, "POST", **params)[1]["report_run_id"]
    for _ in range(6):
        status = ask(graph, run_id, fields="async_status,error_code,error_subcode")[1]
    return status, every(graph, f"{run_id}/insights", limit="5000")


def days(since: str, until: str) -> dict[str, str]:
    return {"since": since, "until": until}


def total(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows if name in row), Decimal(0))
