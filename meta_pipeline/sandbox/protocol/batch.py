"""Batches: many requests in one POST (docs/graph-api.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.sandbox.protocol.versions import split_version

MAX_OPERATIONS = 50


def run_batch(
    request: GraphRequest,
    *,
    authenticate: Callable[[], object],
    is_dropped: Callable[[GraphRequest], bool],
    answer: Callable[[GraphRequest], GraphResponse],
) -> list[dict[str, Any] | None]:
    """Return every operation's response in order; None for an operation that is dropped."""
    operations = request.json_param("batch")
    if not isinstance(operations, list):
        raise GraphApiError("(#100) batch parameter must be a JSON array", 100)
    if len(operations) > MAX_OPERATIONS:
        raise GraphApiError(f"Too many requests in batch message. Maximum batch size is {MAX_OPERATIONS}", 100)
    authenticate()
    has_headers = request.params.get("include_headers", "true") not in ("false", "0")
    responses: list[dict[str, Any] | None] = []
    for operation in operations:
        inner = _inner_request(request, operation)
        responses.append(None if is_dropped(inner) else _envelope(answer(inner), has_headers=has_headers))
    return responses


def _inner_request(request: GraphRequest, operation: dict[str, Any]) -> GraphRequest:
    split = urlsplit("/" + str(operation["relative_url"]).lstrip("/"))
    version, path = split_version(split.path.lstrip("/"))
    params = dict(parse_qsl(split.query)) | dict(parse_qsl(str(operation.get("body", ""))))
    for name in ("access_token", "appsecret_proof"):
        if name in request.params:
            params.setdefault(name, request.params[name])
    return GraphRequest(
        method=str(operation.get("method", "GET")).upper(), path=path, version=version or request.version,
        params=params, headers=request.headers, base_url=request.base_url,
    )


def _envelope(response: GraphResponse, *, has_headers: bool) -> dict[str, Any]:
    headers = [{"name": name, "value": value} for name, value in response.headers.items()] if has_headers else []
    return {"code": response.status, "headers": headers, "body": response.content.decode()}
