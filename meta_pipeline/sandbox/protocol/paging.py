"""Cursors, and lists cut into pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest

Item = TypeVar("Item")


def paginate(
    request: GraphRequest, items: Sequence[Item], render: Callable[[Item], Any], *,
    key: Callable[[Item], str] | None = None,
) -> dict[str, Any]:
    """Return the page that the request's `limit` and `after` select.

    With `key`, by which the items are sorted downwards, a cursor names an item, not a position: items that appear or
    vanish while a client reads page after page are neither repeated nor skipped.

    A page may be shorter than its limit while more follow; the last one has cursors but no `next`. (An empty page with
    `next` happens at Meta too, but the official SDK stops there and loses rows: here it happens only as a fault.)
    """
    try:
        limit = max(1, int(request.params.get("limit", "25")))
    except ValueError:
        raise GraphApiError("(#100) Param limit must be an integer", 100) from None
    start = _start_after(request.params["after"], items, key) if request.params.get("after") else 0
    end = min(len(items), start + limit)
    if start and end < len(items) and (start // limit) % 3 == 1 and limit > 1:
        end -= 1
    page: dict[str, Any] = {"data": [render(item) for item in items[start:end]]}
    if not items:
        return page
    before, after = _cursor(str(start)), _cursor(str(end) if key is None or end == 0 else key(items[end - 1]))
    paging: dict[str, Any] = {"cursors": {"before": before, "after": after}}
    if end < len(items):
        next_params = {**request.params, "after": after}
        next_params.setdefault("access_token", request.token_text or "")
        paging["next"] = _url(request, next_params)
    if start:
        previous_params = {**request.params, "before": before}
        previous_params.pop("after", None)
        paging["previous"] = _url(request, previous_params)
    page["paging"] = paging
    return page


def _url(request: GraphRequest, params: dict[str, str]) -> str:
    return f"{request.base_url}/{request.version}/{request.path}?{urlencode(params)}"


def _cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode().replace("=", "ZD")


def _start_after(cursor: str, items: Sequence[Item], key: Callable[[Item], str] | None) -> int:
    """Return the position of the first item after a cursor; raise error 2642 for an invalid one."""
    try:
        text = base64.b64decode(cursor.replace("ZD", "=")).decode()
        if key is None or not text:
            return int(text)
        return sum(key(item) >= text for item in items)
    except ValueError:
        raise GraphApiError("(#100) Invalid cursor", 100, subcode=2642) from None
