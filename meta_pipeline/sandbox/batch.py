"""Many requests in one (graph-api.md §8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from meta_pipeline.sandbox.answers import Ask, Refused

if TYPE_CHECKING:
    from meta_pipeline.sandbox.graph import Graph


def batch(graph: Graph, ask: Ask) -> list[dict[str, Any] | None]:
    """Every operation's answer, in order."""
    operations = ask.json("batch")
    if not isinstance(operations, list):
        raise Refused("(#100) batch parameter must be a JSON array", 100)
    if len(operations) > 50:
        raise Refused("Too many requests in batch message. Maximum batch size is 50", 100)
    graph.identity.authenticate(ask, graph.now())
    include = ask.params.get("include_headers", "true") not in ("false", "0")
    return [_operation(graph, ask, operation, include) for operation in operations]


def _operation(graph: Graph, ask: Ask, operation: dict[str, Any], include: bool) -> dict[str, Any] | None:
    split = urlsplit("/" + str(operation["relative_url"]).lstrip("/"))
    version, path = cut_version(split.path.lstrip("/"))
    params = dict(parse_qsl(split.query)) | dict(parse_qsl(str(operation.get("body", ""))))
    for name in ("access_token", "appsecret_proof"):
        if name in ask.params:
            params.setdefault(name, ask.params[name])
    inner = Ask(
        str(operation.get("method", "GET")).upper(), path, version or ask.version, params, ask.headers, ask.base_url
    )
    if graph.faults.is_null(inner):
        return None
    answer = graph.answer(inner)
    shown = [{"name": name, "value": value} for name, value in answer.headers.items()] if include else []
    return {"code": answer.status, "headers": shown, "body": answer.content.decode()}


def cut_version(path: str) -> tuple[str, str]:
    """`v25.0/act_1/ads` → (`v25.0`, `act_1/ads`)."""
    found = re.match(r"(v\d+\.\d+)(?:/|$)(.*)", path)
    return (found[1], found[2].strip("/")) if found else ("", path.strip("/"))
