"""Parse a response: a result, or an error with the class of its remedy. No I/O."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from meta_pipeline.graph.errors import (
    GraphError,
    NestedTooDeepError,
    RedirectError,
    ThrottledError,
    TransientError,
    UnreadableAnswerError,
    detached,
    error_from,
)
from meta_pipeline.graph.http.body import check_values, decoded, repaired
from meta_pipeline.graph.limits.usage import retry_after, usage_of


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Paging(msgspec.Struct):
    cursors: _Cursors | None = None
    next: str | None = None


# Parameters of `paging.next` that are not its position.
_SECRETS = ("access_token", "appsecret_proof", "appsecret_time")


Row = TypeVar("Row")
# The exceptions of msgspec for a body that is not such a page; the second for bytes that are not UTF-8.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


class Page(msgspec.Struct, Generic[Row]):
    """A page of results; only the fields of `Row` are decoded from its records."""

    data: list[Row]
    paging: _Paging | None = None
    error: msgspec.Raw | None = None
    success: msgspec.Raw | None = None

    @property
    def is_result(self) -> bool:
        """Return whether the body is only a page, with neither `error` nor `success` beside it."""
        return not self.error and not self.success

    def following(self) -> dict[str, str] | None:
        """Return the parameters of the next page; None without `paging.next`, even if the last page has a cursor.

        An edge without cursors (time or offset paging) has its position in the query of `next`."""
        if self.paging is None or not self.paging.next:
            return None
        if self.paging.cursors is not None and self.paging.cursors.after:
            return {"after": self.paging.cursors.after}
        try:
            position = dict(parse_qsl(urlsplit(self.paging.next).query))
        except ValueError:
            raise UnreadableAnswerError("the answer's paging.next is not a URL") from None
        return {name: value for name, value in position.items() if name not in _SECRETS}


@functools.cache
def page_reader(row: type[Row]) -> Callable[[bytes], Page[Row]]:
    """Return a function that decodes a body as a page of such rows, and raises one of `UNREADABLE` otherwise."""
    return msgspec.json.Decoder(Page[row]).decode  # type: ignore[valid-type]


def page_of(body: bytes, *, trace_id: str | None, host: str = "Graph") -> Page[msgspec.Raw]:
    """Return the page in a body, its records undecoded."""
    try:
        check_values(body)
        return page_reader(msgspec.Raw)(body)
    except UNREADABLE:
        raise UnreadableAnswerError(f"{host} did not return a page of results", trace_id=trace_id) from None
    except RecursionError:
        raise NestedTooDeepError("the answer's JSON is nested too deep", trace_id=trace_id) from None


def _page_in(body: bytes, row: type) -> tuple[bytes, Page[Any] | None]:
    """Return the readable body and its page: of such rows, else with undecoded records, else None.

    Raise NestedTooDeepError or BodyTooLargeError."""
    fixed: bytes | None = None
    for kind in dict.fromkeys((row, msgspec.Raw)):
        if kind is msgspec.Raw:  # rows with required fields are large enough not to be too many
            check_values(body)
        try:
            return body, page_reader(kind)(body)
        except RecursionError:
            raise NestedTooDeepError("the answer's JSON is nested too deep") from None
        except UNREADABLE:
            fixed = repaired(body) if fixed is None else fixed
            if fixed != body:
                try:
                    return fixed, page_reader(kind)(fixed)
                except UNREADABLE:
                    continue
    return body, None


LONGEST_TRACE = 100  # characters of a trace id


def trace_of(headers: Mapping[str, str], body: Any) -> str | None:
    """Return the trace id of a response, from its error or its headers."""
    if isinstance(body, dict) and isinstance(error := body.get("error"), dict) and error.get("fbtrace_id"):
        return str(error["fbtrace_id"])[:LONGEST_TRACE]
    return headers.get("x-fb-trace-id")


def decipher(status: int, headers: Mapping[str, str], body: bytes) -> tuple[Any, GraphError | None]:
    """Return the decoded body and its error, if it has one. Raise NestedTooDeepError or BodyTooLargeError."""
    if 300 <= status < 400:
        return None, RedirectError(f"Graph answered HTTP {status}, a redirect", http_status=status)
    try:
        data = decoded(body)
    except NestedTooDeepError:
        raise
    except UnreadableAnswerError:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "no JSON"
        trace = headers.get("x-fb-trace-id")
        text = f"Graph answered HTTP {status} with {kind}"
        return None, UnreadableAnswerError(text, http_status=status, trace_id=trace)
    trace_id = trace_of(headers, data)
    if isinstance(data, dict) and isinstance(error := data.get("error"), dict) and "code" in error:
        return data, error_from(
            error, http_status=status, trace_id=trace_id, retry_after=retry_after(usage_of(headers))
        )
    if status >= 400:
        return data, error_from(
            {"message": f"Graph answered HTTP {status}"}, http_status=status, trace_id=trace_id
        )
    # 200 bodies that are failures (docs/graph-api.md §7.1, S24 `is_success`).
    if isinstance(data, dict) and data.get("success") is False:
        return data, error_from({"message": "Graph answered success=false"}, http_status=status, trace_id=trace_id)
    if isinstance(data, str) and "Service Unavailable" in data:
        return data, TransientError("Graph answered 200 with Service Unavailable", http_status=status)
    return data, None


@dataclass(frozen=True)
class Answer:
    """The response to one call: lower-case headers, and the body of a result or the error.

    Of a page of results only the frame and the fields that the caller needs are decoded: decoding the rest would cost
    more than all further processing. The answer of a batch has `members`, one for each operation, None where Graph left
    one out (docs/graph-api.md §8)."""

    headers: dict[str, str]
    body: bytes = field(repr=False)
    error: GraphError | None
    members: tuple[Answer | None, ...] = ()
    page: Page[Any] | None = field(default=None, repr=False)

    @functools.cached_property
    def data(self) -> Any:
        """Return the decoded body; None for one that is not JSON."""
        try:
            return decoded(self.body)
        except UnreadableAnswerError:
            return None

    @property
    def trace_id(self) -> str | None:
        """Return Meta's trace id of this call."""
        if self.error is not None and self.error.trace_id:
            return self.error.trace_id
        return trace_of(self.headers, None if self.page is not None or self.error is not None else self.data)

    @property
    def rows(self) -> int | None:
        """Return the number of results of a page; None when the answer is not a page."""
        return None if self.page is None else len(self.page.data)

    @property
    def usage(self) -> dict[str, Any]:
        """Return the usage headers, including those of its members; the last one of a name wins."""
        usage = usage_of(self.headers)
        for member in self.members:
            usage |= member.usage if member is not None else {}
        return usage

    @property
    def limit(self) -> ThrottledError | None:
        """Return the throttling error of the answer or of one of its members, if there is one."""
        if isinstance(self.error, ThrottledError):
            return self.error
        return next((member.limit for member in self.members if member is not None and member.limit), None)


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """A result: the answer, the version that served it, when it was fetched, and from which host."""

    answer: Answer = field(repr=False)
    version: str
    fetched_at: dt.datetime
    host: str = "Graph"

    @property
    def body(self) -> bytes:
        """Return the body exactly as Graph sent it."""
        return self.answer.body

    @property
    def data(self) -> Any:
        """Return the decoded body."""
        return self.answer.data

    @property
    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise UnreadableAnswerError when it is not one."""
        if not isinstance(self.data, dict):
            raise UnreadableAnswerError(f"{self.host} did not return a JSON object", trace_id=self.trace_id)
        return self.data

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the objects in `data`; raise UnreadableAnswerError when there is no such list."""
        rows = self.object.get("data")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UnreadableAnswerError(f"{self.host} did not return a list of objects", trace_id=self.trace_id)
        return rows

    @property
    def trace_id(self) -> str | None:
        """Return Meta's trace id of this call."""
        return self.answer.trace_id

    @property
    def page(self) -> Page[Any]:
        """Return the body as a page of results; raise UnreadableAnswerError when it is not one."""
        return self.answer.page or page_of(self.answer.body, trace_id=self.answer.trace_id, host=self.host)


# Operations of one batch (docs/graph-api.md §8): a list with more members is not the answer of a batch.
MOST_MEMBERS = 50


def answer_of(status: int, headers: Mapping[str, str], body: bytes, row: type = msgspec.Raw) -> Answer:
    """Return the answer in a response; `row`: the fields that are decoded from a page's records."""
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        if status < 300:
            readable, page = _page_in(body, row)
            if page is not None and page.is_result:
                return Answer(lowered, readable, None, page=page)
        data, error = decipher(status, lowered, body)
    except GraphError as bound:  # a body too large or too deep
        bound.http_status, bound.trace_id = status, lowered.get("x-fb-trace-id")
        return Answer(lowered, b"", detached(bound))
    if error is not None:  # without the body: see `detached`
        return Answer(lowered, b"", error)
    is_batch = isinstance(data, list) and len(data) <= MOST_MEMBERS
    return Answer(lowered, body, None, tuple(map(_member, data)) if is_batch else ())


def _member(member: Any) -> Answer | None:
    if not isinstance(member, dict) or not isinstance(member.get("body"), str):
        return None
    listed, status = member.get("headers"), member.get("code")
    headers = {
        header["name"]: header["value"]
        for header in (listed if isinstance(listed, list) else [])
        if isinstance(header, dict) and isinstance(header.get("name"), str) and isinstance(header.get("value"), str)
    }
    return answer_of(status if isinstance(status, int) else 200, headers, member["body"].encode())
