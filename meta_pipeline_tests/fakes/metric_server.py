"""A Graph that returns metrics of one object, and refuses a whole request if one of its metrics is dead."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, error_from
from meta_pipeline.graph.responses.response import Answer, GraphResponse
from meta_pipeline.records import AccessToken

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
TOKEN = AccessToken(kind="page", value="EAA")
DAY_END = "2026-11-20T08:00:00+0000"


def unnamed(_: Sequence[str], __: Sequence[str]) -> str:
    """Return a Page's refusal, which names no metric."""
    return "(#100) The value must be a valid insights metric"


def listing(requested: Sequence[str], alive: Sequence[str]) -> str:
    """Return an Instagram account's refusal: the first position that is wrong, and the names that are valid."""
    position = next(at for at, name in enumerate(requested) if name not in alive)
    return f"(#100) metric[{position}] must be one of the following values: {', '.join(alive)}"


def naming(requested: Sequence[str], alive: Sequence[str]) -> str:
    """Return a media object's refusal, which names every metric that does not fit."""
    wrong = ", ".join(name for name in requested if name not in alive)
    return f"(#100) The Media Insights API does not support the {wrong} metric for this media product type."


class MetricServer(GraphClient):
    """A client without a network. `alive`: the names that are answered; `refusal`: the message for any other; `refuse`:
    an error for a request, returned before anything else is checked."""

    def __init__(
        self, alive: Sequence[str], refusal: Callable[[Sequence[str], Sequence[str]], str] = unnamed, *,
        refuse: Callable[[str, Mapping[str, Any]], GraphError | None] = lambda path, params: None,
    ) -> None:
        self.alive, self.refusal, self.refuse = list(alive), refusal, refuse
        self.requests: list[tuple[str, tuple[str, ...]]] = []
        self.http_calls = 0

    @property
    def operations(self) -> int:
        """Return the number of operations that Meta charges."""
        return len(self.requests)

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, token: AccessToken | None, kind: CallKind
    ) -> GraphResponse:
        self.http_calls += 1
        answer = self._answer(path, params or {})
        if isinstance(answer, GraphError):
            raise answer
        return answer

    def batch(self, operations: Sequence[Operation], *, token: AccessToken) -> list[GraphResponse | GraphError]:
        self.http_calls += -(-len(operations) // 50)
        return [self._answer(operation.path, operation.params) for operation in operations]

    def _answer(self, path: str, params: Mapping[str, Any]) -> GraphResponse | GraphError:
        names = tuple(params["metric"].split(","))
        self.requests.append((path, names))
        if (error := self.refuse(path, params)) is not None:
            return error
        if not set(names) <= set(self.alive):
            return _error(self.refusal(names, self.alive))
        if params.get("period") == "month":
            return _error(f"(#100) The period month is not supported for the metric {names[0]}")
        data = [{"name": name, "period": "day", "values": [{"value": 1, "end_time": DAY_END}]} for name in names]
        return GraphResponse(Answer({}, json.dumps({"data": data}).encode(), None), "v24.0", NOW)


def _error(message: str) -> GraphError:
    error = error_from({"message": message, "code": 100, "fbtrace_id": "T"}, http_status=400, trace_id="T")
    assert type(error) is RequestError
    return error
