"""Cursors, and lists cut into pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest

Item = TypeVar("Item")


def paginate(request: GraphRequest, items: Sequence[Item], render: Callable[[Item], Any]) -> dict[str, Any]:
    """Return the page that the request's `limit` and `after` select.

    A page may be shorter than its limit while more follow; the last one has cursors but no `next`. (An empty page with
    `next` happens at Meta too, but the official SDK stops there and loses rows: here it happens only as a fault.)
    """
    try:
        limit = max(1, int(request.params.get("limit", "25")))
    except ValueError:
        raise GraphApiError("(#100) Param limit must be an integer", 100) from None
    start = _parse_cursor(request.params["after"]) if request.params.get("after") else 0
    end = min(len(items), start + limit)
    if start and end < len(items) and (start // limit) % 3 == 1 and limit > 1:
        end -= 1
    page: dict[str, Any] = {"data": [render(item) for item in items[start:end]]}
    if not items:
        return page
    paging: dict[str, Any] = {"cursors": {"before": _cursor(start), "after": _cursor(end)}}
    if end < len(items):
        next_params = {**request.params, "after": _cursor(end)}
        next_params.setdefault("access_token", request.token_text or "")
        paging["next"] = _url(request, next_params)
    if start:
        previous_params = {**request.params, "before": _cursor(start)}
        previous_params.pop("after", None)
        paging["previous"] = _url(request, previous_params)
    page["paging"] = paging
    return page


def _url(request: GraphRequest, params: dict[str, str]) -> str:
    return f"{request.base_url}/{request.version}/{request.path}?{urlencode(params)}"


def _cursor(offset: int) -> str:
    return base64.b64encode(str(offset).encode()).decode().replace("=", "ZD")


def _parse_cursor(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor.replace("ZD", "=")).decode())
    except ValueError:
        raise GraphApiError("(#100) Invalid cursor", 100, subcode=2642) from None
