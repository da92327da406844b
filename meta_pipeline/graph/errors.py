"""The errors of Graph, by remedy:

GraphError
├─ ThrottledError     wait `retry_after` seconds, same request
├─ TransientError     back off, a few times
├─ TooMuchDataError   split the request, never plain-retry
├─ TokenError         request consent again
├─ ScopeError         tell the owner which permission or task is missing
├─ VersionError       bump the pin
├─ CursorError        restart the listing
├─ SuspendedError     stop for a day or more, and alert a person
└─ RequestError       our bug or a retired metric

Each bound of `http/bounds.py` has its own error, a subclass of the error with the same remedy: `BodyTooLargeError`,
`TooManyPagesError` (too much data), `CallDeadlineError`, `NestedTooDeepError`, `RedirectError`,
`UnreadableAnswerError`, `ConnectionFailedError` (transient), `RepeatedCursorError` (cursor), `MalformedTokenError`
(token).

Codes: docs/graph-api.md §6.3, §7.2, §2.10 (D-GERR, D-MERR, D-IERR). Classified on code and subcode, never on `type`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meta_pipeline.records import MetaPipelineError


class GraphError(MetaPipelineError):
    """A response of Graph that is not a result. `str()` contains neither URL nor parameters. `reason`: its first part,
    Graph's message without the remedy; `resume_offset`: the byte at which an upload continues."""

    remedy = ""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        subcode: int | None = None,
        http_status: int | None = None,
        trace_id: str | None = None,
        remedy: str | None = None,
        resume_offset: int | None = None,
    ) -> None:
        self.resume_offset = resume_offset
        remedy = self.remedy if remedy is None else remedy
        self.code, self.subcode, self.http_status, self.trace_id = code, subcode, http_status, trace_id
        number = f"({code}/{subcode}) " if subcode else f"({code}) " if code is not None else ""
        trace = f" [fbtrace {trace_id}]" if trace_id else ""
        self.reason = f"{number}{message}{trace}"
        super().__init__(self.reason + (f": {remedy}" if remedy else ""))

    @property
    def without_trace(self) -> str:
        """Return `str()` up to the trace id, so that errors with the same cause have the same text."""
        return str(self).partition(" [fbtrace ")[0]


class ThrottledError(GraphError):
    """A limit is reached; `retry_after` is in seconds."""

    retryable = True
    remedy = "wait until the limit is free again; the same command continues from here"
    retry_after: float = 60.0


class TransientError(GraphError):
    """Meta or the network failed for a moment."""

    retryable = True
    remedy = "Meta or the network has trouble; try again later, what has landed stays"


class TooMuchDataError(GraphError):
    """The response would be too large."""

    remedy = "request fewer days"


class TokenError(GraphError):
    """The token is no longer valid."""

    remedy = "connect again with `meta-pipeline connect`"


class ScopeError(GraphError):
    """A permission or a task is missing, or the object can't be seen with this token."""

    remedy = "grant the permission (ads_read for ad accounts) or the task ANALYZE, then `meta-pipeline connect` again"


class VersionError(GraphError):
    """The pinned version has ended."""

    remedy = "raise META_PIPELINE_MARKETING_VERSION or META_PIPELINE_GRAPH_VERSION"


class CursorError(GraphError):
    """The cursor of a listing is no longer valid."""

    remedy = "the listing has to be read from its beginning; run the same command again"


class SuspendedError(GraphError):
    """Meta has blocked the app or the person for abuse, for hours to days."""

    remedy = "stop for at least a day and check the app's dashboard: further calls prolong the block"


class RequestError(GraphError):
    """Graph refused the request itself."""


class ConnectionFailedError(TransientError):
    """The connection failed or broke. The message names the host and the cause, never the path or the query."""

    remedy = "check META_PIPELINE_GRAPH_URL or the network; what has landed stays"


class CallDeadlineError(TransientError):
    """The response was not complete at the deadline of the call, even if bytes were still arriving."""

    remedy = "the host answers too slowly; try again later, what has landed stays"


class RedirectError(TransientError):
    """A redirect instead of a response. It is never followed, because the token would be sent with it."""

    remedy = "Graph does not redirect: check META_PIPELINE_GRAPH_URL and the proxy"


class UnreadableAnswerError(TransientError):
    """The body is not a Graph response: truncated, in another format, or from another server."""

    remedy = "check META_PIPELINE_GRAPH_URL, or try again later; what has landed stays"


class NestedTooDeepError(UnreadableAnswerError):
    """JSON nested deeper than any response of Graph."""


class BodyTooLargeError(TooMuchDataError):
    """The body is larger than a call may hold in memory."""

    remedy = "request fewer rows at once or fewer days"


class TooManyPagesError(TooMuchDataError):
    """A listing has more pages than any listing is expected to have."""


class RepeatedCursorError(CursorError):
    """A listing returned a cursor a second time, so it would never end."""


class MalformedTokenError(TokenError):
    """The text can't be an access token, so it is not sent."""


_THROTTLED = (4, 17, 32, 341, 613, *range(80000, 80007), 80008, 80009, 80014)

LONGEST_MESSAGE = 2_000  # characters of Meta's message that are stored

# The request is wrong or names something that no longer exists: never sent again.
_INVALID_REQUESTS = (
    104, 105, 222, 351, 352, 382, 389, 506, 803, 2500, 2606, 2607, 2615, 2654, 3001, 3018, 6000, 6001, 1609005,
)

# (code, subcode) → class; a subcode of None matches every other subcode.
REMEDIES: dict[tuple[int, int | None], type[GraphError]] = {
    **{(code, None): ThrottledError for code in _THROTTLED},
    **{(code, None): ScopeError for code in (3, 10, 103, *range(200, 300), 3000, 1815199)},
    **{(code, None): RequestError for code in _INVALID_REQUESTS},
    (368, None): SuspendedError,
    (2642, None): CursorError,
    (10, 1341012): ScopeError,
    (1, None): TransientError,
    (1, 99): TransientError,  # too much data when it persists: see `after_retries`
    (2, None): TransientError,
    (960, None): TransientError,
    (5000, None): TransientError,
    (2, 1504038): TooMuchDataError,
    (2, 1504041): RequestError,
    (2, 1504043): TransientError,
    (2, 1504044): TransientError,
    (-2, 2490547): TransientError,  # in a report run's own error fields: submit the same request once more
    (2, 1504042): RequestError,
    (-3, 1504045): TooMuchDataError,
    (100, 1487534): TooMuchDataError,
    (100, 1504018): TooMuchDataError,
    (100, 33): ScopeError,
    (100, 2642): CursorError,
    (100, 1752129): RequestError,
    (100, 3191001): ScopeError,
    (102, None): TokenError,
    (190, None): TokenError,
    (2635, None): VersionError,
    (100, None): RequestError,
}


def _number(value: Any) -> int | None:
    """Return a code that fits into 32 bits, as the audit table requires; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else None


def error_from(
    error: Mapping[str, Any], *, http_status: int, trace_id: str | None, retry_after: float | None = None
) -> GraphError:
    """Return the error in the `error` member of a response, with the class of its remedy."""
    code, subcode = error.get("code"), error.get("error_subcode")
    texts = (error.get("error_user_msg"), error.get("message"))
    message = next((text for text in texts if isinstance(text, str) and text), "no message")[:LONGEST_MESSAGE]
    code, subcode = _number(code), _number(subcode)
    remedy: type[GraphError] | None = None
    if code is not None:
        remedy = REMEDIES.get((code, subcode)) or REMEDIES.get((code, None))
        # The only place that inspects a message: code 1 is either too much data or transient (docs/graph-api.md §2.8).
        if code == 1 and isinstance(texts[1], str) and "reduce the amount of data" in texts[1].lower():
            remedy = TooMuchDataError
    if remedy is None:
        remedy = TransientError if http_status >= 500 or error.get("is_transient") else RequestError
    graph_error = remedy(
        message, code=code, subcode=subcode, http_status=http_status, trace_id=trace_id,
        resume_offset=_resume_offset(error.get("error_data")),
    )
    if isinstance(graph_error, ThrottledError) and retry_after:
        graph_error.retry_after = retry_after
    return graph_error


def _resume_offset(data: Any) -> int | None:
    """Return the offset in the data of an upload's error, which is an object or its JSON text (docs/graph-api.md §7.1,
    §10)."""
    if isinstance(data, str):
        try:
            data = json.loads(data[:LONGEST_MESSAGE])
        except (ValueError, RecursionError):
            return None
    offset = data.get("start_offset") if isinstance(data, dict) else None
    if isinstance(offset, str) and offset.isascii() and offset.isdigit() and len(offset) < 19:
        return int(offset)
    return offset if isinstance(offset, int) and not isinstance(offset, bool) and 0 <= offset < 2**63 else None


def detached(error: GraphError) -> GraphError:
    """Return the error without its traceback. The frames of a traceback hold the body, and an error that one of its
    own frames refers to stays in memory until the garbage collector runs."""
    error.__context__ = None
    return error.with_traceback(None)


def after_retries(error: GraphError) -> GraphError:
    """Return the error of the last try; a 1/99 that persists means too much data (docs/graph-api.md §7.2)."""
    if (error.code, error.subcode) != (1, 99):
        return error
    too_much = TooMuchDataError("", code=1, subcode=99, http_status=error.http_status, trace_id=error.trace_id)
    too_much.args, too_much.reason = (f"{error.reason}: {TooMuchDataError.remedy}",), error.reason
    return too_much
