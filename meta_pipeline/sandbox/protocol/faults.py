"""Faults that are requested by header, scenario file or control call (docs/graph-api.md §14, fault plan)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.protocol.errors import (
    INVALID_TOKEN_MESSAGES,
    REDUCE,
    GraphApiError,
    too_much_data,
    unknown_object,
)
from meta_pipeline.sandbox.protocol.field_selection import top_level_names
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse

# Faults that decide how a report run ends, and the one that drops an operation of a batch: they have no response.
REPORT_RUN_OUTCOMES = ("job_failed", "job_skipped", "job_stuck", "job_late", "33_race")
DROPPED_OPERATION = "batch_null"
# Faults of writes: the call takes effect and its answer is lost; the connection breaks in the middle of an upload.
LOST_ANSWER, BROKEN_UPLOAD = "answer_lost", "upload_broken"
# The faults that `Faults.respond` does not apply.
_ELSEWHERE = (*REPORT_RUN_OUTCOMES, DROPPED_OPERATION, LOST_ANSWER, BROKEN_UPLOAD)
HEADER = "x-sandbox-fault"
# On the response of a timeout; the HTTP server lets the connection hang.
HANG_HEADER = "x-sandbox-hang"
_BUC = (
    "There have been too many calls to this ad-account. Wait a bit and try again. For more info, please refer to "
    "https://developers.facebook.com/docs/graph-api/overview/rate-limiting#ads-insights."
)
_HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


def _account_throttled(request: GraphRequest) -> GraphApiError:
    headers = _full_budget(request, "ads_insights", ads_api_access_tier="standard_access")
    return GraphApiError(f"(#80000) {_BUC}", 80000, subcode=2446079, headers=headers)


def _node_throttled(code: int, kind: str, request: GraphRequest) -> GraphApiError:
    """Return the error of a Page's or an Instagram account's own limit."""
    message = f"(#{code}) There have been too many calls to this {kind} account. Wait a bit and try again."
    return GraphApiError(message, code, headers=_full_budget(request, kind))


def _full_budget(request: GraphRequest, kind: str, **more: str) -> dict[str, str]:
    """Return the usage header of the node in the request's path: its budget is used up for a minute."""
    node = re.search(r"\d+", request.path)
    entry = {
        "type": kind, "call_count": 100, "total_cputime": 20, "total_time": 20, "estimated_time_to_regain_access": 1,
        **more,
    }
    usage = json.dumps({node[0] if node else "1000000001": [entry]}, separators=(",", ":"))
    return {"X-Business-Use-Case-Usage": usage}


def _empty_page(request: GraphRequest) -> GraphResponse:
    """Return a page without rows whose `next` leads to the same place."""
    after = request.params.get("after", "MAZDZD")
    next_url = f"{request.base_url}/{request.version}/{request.path}?after={after}"
    return GraphResponse({"data": [], "paging": {"cursors": {"before": after, "after": after}, "next": next_url}})


_ERRORS: dict[str, Callable[[GraphRequest], GraphApiError]] = {
    "code1_reduce": lambda _: GraphApiError(REDUCE, 1, status=500),
    "100_1487534": lambda _: too_much_data(),
    "17_2446079": lambda _: GraphApiError("User request limit reached", 17, subcode=2446079, is_transient=True),
    "613_1487742": lambda _: GraphApiError(
        "(#613) Calls to this api have exceeded the rate limit.", 613, subcode=1487742
    ),
    "4": lambda _: GraphApiError("(#4) Application request limit reached", 4, status=403, is_transient=True),
    "80000": _account_throttled,
    "80001": lambda request: _node_throttled(80001, "pages", request),
    "80002": lambda request: _node_throttled(80002, "instagram", request),
    "32": lambda _: GraphApiError("(#32) Page request limit reached", 32),
    "10": lambda _: GraphApiError("(#10) Application does not have permission for this action", 10, status=403),
    "100_33": lambda request: unknown_object(request.path.partition("/")[0]),
    "2_503": lambda _: GraphApiError(
        "An unexpected error has occurred. Please retry your request later.", 2, status=503, is_transient=True
    ),
    "200_missing": lambda _: GraphApiError(
        "(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403
    ),
    "dead_metric": lambda _: GraphApiError("(#100) The value must be a valid insights metric", 100),
}
_RESPONSES: dict[str, Callable[[GraphRequest], GraphResponse]] = {
    "500": lambda _: GraphResponse({}, status=500, raw=b""),
    "html_502": lambda _: GraphResponse(
        {}, status=502, headers={"content-type": "text/html; charset=UTF-8"}, raw=_HTML
    ),
    "empty_200": lambda _: GraphResponse({"data": []}),
    "empty_page": _empty_page,
    "success_false": lambda _: GraphResponse({"success": False}),
    "truncated": lambda _: GraphResponse({}, raw=b'{"data":[{"impressions":"1'),
    "timeout": lambda _: GraphResponse({}, status=504, headers={HANG_HEADER: "1"}, raw=b""),
}


def fault_response(name: str, request: GraphRequest) -> GraphResponse | None:
    """Return the response of a fault, or raise its error; None for a fault without a response."""
    if name.startswith("190_"):
        subcode = int(name.removeprefix("190_"))
        message = INVALID_TOKEN_MESSAGES.get(subcode, "Error validating access token")
        raise GraphApiError(message, 190, subcode=subcode)
    if name.startswith("100_nonexisting_"):  # a field that this version does not know
        field = name.removeprefix("100_nonexisting_")
        if field not in top_level_names(request.params.get("fields")):
            return None
        raise GraphApiError(f"(#100) Tried accessing nonexisting field ({field}) on node type (AdsPixel)", 100)
    if name in _ERRORS:
        raise _ERRORS[name](request)
    return _RESPONSES[name](request) if name in _RESPONSES else None


@dataclass
class Fault:
    """One planned fault; `path` is a regular expression over `METHOD path`, `times` how often it still occurs."""

    name: str
    path: str = ""
    times: int = 1


class Faults:
    """The planned faults."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def plan(self, items: list[dict[str, Any]]) -> None:
        """Add faults, from a scenario file or a control call."""
        self.planned += [
            Fault(str(item["fault"]), str(item.get("path", "")), int(item.get("times", 1))) for item in items
        ]

    def respond(self, request: GraphRequest) -> GraphResponse | None:
        """Return the response of the fault that is planned for this request, or raise its error; None without a
        fault."""
        name = request.headers.get(HEADER) or self._take(
            request, lambda name: name not in _ELSEWHERE
        )
        return fault_response(name, request) if name and name not in _ELSEWHERE else None

    def lost_answer(self, request: GraphRequest) -> GraphResponse | None:
        """Return a timeout instead of the answer to a call that took effect, if such a fault is planned."""
        is_lost = request.headers.get(HEADER) == LOST_ANSWER or self._take(request, _one_of((LOST_ANSWER,)))
        return _RESPONSES["timeout"](request) if is_lost else None

    def is_upload_broken(self, request: GraphRequest) -> bool:
        """Check whether the connection breaks in the middle of this upload."""
        return self._take(request, _one_of((BROKEN_UPLOAD,))) is not None

    def report_run_outcome(self, request: GraphRequest) -> str | None:
        """Return how the report run that this request submits ends, if a fault decides it."""
        header = request.headers.get(HEADER)
        return header if header in REPORT_RUN_OUTCOMES else self._take(request, _one_of(REPORT_RUN_OUTCOMES))

    def is_dropped(self, request: GraphRequest) -> bool:
        """Check whether this operation of a batch gets null instead of a response."""
        return self._take(request, _one_of((DROPPED_OPERATION,))) is not None

    def _take(self, request: GraphRequest, is_wanted: Callable[[str], bool]) -> str | None:
        for fault in self.planned:
            is_due = is_wanted(fault.name) and fault.times
            if is_due and re.search(fault.path, f"{request.method} {request.path}"):
                fault.times -= 1
                return fault.name
        return None


def _one_of(names: Collection[str]) -> Callable[[str], bool]:
    return lambda name: name in names
