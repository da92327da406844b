"""What an answer means: a result, or the error by remedy. No I/O."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from meta_pipeline.graph.errors import GraphError, TransientError, error_from
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


class Page(msgspec.Struct):
    """A page of results, its records uncut."""

    data: list[msgspec.Raw]
    paging: _Paging | None = None

    @property
    def after(self) -> str | None:
        """The cursor to go on with; None once Graph gives no `paging.next`, though the last page still has one."""
        if self.paging is None or not self.paging.next or self.paging.cursors is None:
            return None
        return self.paging.cursors.after


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
