"""What an answer means: a result, or the error by remedy. No I/O."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from meta_pipeline.graph.errors import GraphError, ThrottledError, TransientError, error_from
from meta_pipeline.graph.usage import retry_after, usage_of


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """A result: `body` is exactly what Graph sent, `data` the same decoded."""

    body: bytes = field(repr=False)
    data: Any = field(repr=False)
    trace_id: str | None
    version: str
    fetched_at: dt.datetime


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Paging(msgspec.Struct):
    cursors: _Cursors | None = None
    next: str | None = None


# What `paging.next` repeats of the request and is not its position.
_SECRETS = ("access_token", "appsecret_proof", "appsecret_time")


class Page(msgspec.Struct):
    """A page of results, its records uncut."""

    data: list[msgspec.Raw]
    paging: _Paging | None = None

    def following(self) -> dict[str, str] | None:
        """The parameters that lead to the next page; None once Graph gives no `paging.next`, though the last page
        still has a cursor. An edge without cursors (time or offset paging) says its position in `next` itself."""
        if self.paging is None or not self.paging.next:
            return None
        if self.paging.cursors is not None and self.paging.cursors.after:
            return {"after": self.paging.cursors.after}
        asked = dict(parse_qsl(urlsplit(self.paging.next).query))
        return {name: value for name, value in asked.items() if name not in _SECRETS}


_read_page = msgspec.json.Decoder(Page).decode


def page_of(body: bytes, *, trace_id: str | None) -> Page:
    """The page in a body."""
    try:
        return _read_page(body)
    except msgspec.MsgspecError:
        raise TransientError("the answer is no page of results", trace_id=trace_id) from None


def trace_of(headers: Mapping[str, str], body: Any) -> str | None:
    """The trace id of an answer, from its error or its headers."""
    if isinstance(body, dict) and isinstance(error := body.get("error"), dict) and error.get("fbtrace_id"):
        return str(error["fbtrace_id"])
    return headers.get("x-fb-trace-id")


def decipher(status: int, headers: Mapping[str, str], body: bytes) -> tuple[Any, GraphError | None]:
    """The decoded body, and the error it is, if it is one."""
    try:
        data: Any = json.loads(body)
    except ValueError:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "no JSON"
        trace = headers.get("x-fb-trace-id")
        return None, TransientError(f"Graph answered HTTP {status} with {kind}", http_status=status, trace_id=trace)
    trace_id = trace_of(headers, data)
    if isinstance(data, dict) and isinstance(error := data.get("error"), dict) and "code" in error:
        return data, error_from(
            error, http_status=status, trace_id=trace_id, retry_after=retry_after(usage_of(headers))
        )
    if status >= 400:
        return data, error_from(
            {"message": f"Graph answered HTTP {status}"}, http_status=status, trace_id=trace_id
        )
    # 200 bodies that are failures (graph-api.md §7.1, S24 `is_success`).
    if isinstance(data, dict) and data.get("success") is False:
        return data, error_from({"message": "Graph answered success=false"}, http_status=status, trace_id=trace_id)
    if isinstance(data, str) and "Service Unavailable" in data:
        return data, TransientError("Graph answered 200 with Service Unavailable", http_status=status)
    return data, None


def rows_in(data: Any) -> int | None:
    """How many results a page holds; None for what is no page."""
    found = data.get("data") if isinstance(data, dict) else None
    return len(found) if isinstance(found, list) else None


def batch_answers(
    response: GraphResponse, versions: Sequence[str], *, without_secrets: Callable[[GraphError], GraphError]
) -> list[GraphResponse | GraphError | None]:
    """The answers inside a batch's answer, in order; None where Graph left an operation out (graph-api.md §8)."""
    listed = response.data
    if not isinstance(listed, list) or len(listed) != len(versions):
        raise TransientError("the answer of a batch has not as many members as operations")
    found: list[GraphResponse | GraphError | None] = []
    for one, version in zip(listed, versions, strict=True):
        if not isinstance(one, dict) or not isinstance(one.get("body"), str):
            found.append(None)
            continue
        headers = _headers_of(one)
        body, status = one["body"].encode(), one.get("code")
        data, error = decipher(status if isinstance(status, int) else 200, headers, body)
        used = headers.get("facebook-api-version", version)
        found.append(
            without_secrets(error)
            if error is not None
            else GraphResponse(body, data, trace_of(headers, data), used, response.fetched_at)
        )
    return found


def batch_usage(data: Any) -> dict[str, Any]:
    """The newest usage headers inside a batch's answer; nothing for any other answer."""
    usage: dict[str, Any] = {}
    for one in data if isinstance(data, list) else []:
        if isinstance(one, dict):
            usage |= usage_of(_headers_of(one))
    return usage


def batch_throttle(data: Any) -> ThrottledError | None:
    """The limit that an operation of a batch met, if one did."""
    for one in data if isinstance(data, list) else []:
        if isinstance(one, dict) and isinstance(one.get("body"), str):
            _, error = decipher(200, _headers_of(one), one["body"].encode())
            if isinstance(error, ThrottledError):
                return error
    return None


def _headers_of(operation: Mapping[str, Any]) -> dict[str, str]:
    listed = operation.get("headers")
    return {
        str(header["name"]).lower(): str(header["value"])
        for header in (listed if isinstance(listed, list) else [])
        if isinstance(header, dict) and "name" in header and "value" in header
    }
