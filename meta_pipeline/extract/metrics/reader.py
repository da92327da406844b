"""Request metrics. Meta refuses a whole request because of one dead metric and does not name it (docs/graph-api.md
§3.2): the dead one is identified by halving, stored, and left out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_pipeline.extract.metrics.answers import is_empty
from meta_pipeline.extract.metrics.availability import Availability
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import (
    LONGEST_MESSAGE,
    GraphError,
    RequestError,
    ScopeError,
    ThrottledError,
    TokenError,
)
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken

# The codes with which Meta refuses a request for one of its metrics: 100 for a name that is dead or does not fit, 200
# for one that this type of media does not have (docs/graph-api.md §3.2, §3.4).
DOES_NOT_FIT = 2207086  # the subcode for a metric that this type of media does not have
_REFUSALS = {100: RequestError, 200: ScopeError}
_ACCEPTED = "must be one of the following"
# After this many refused metrics in a row, and none answered, each is confirmed before the search continues: the
# request may be refused for another reason.
MOST_UNCONFIRMED = 2
# No metric has values for this period without a range. For a known name Meta's error is about the period; for an
# unknown name Meta repeats the error about the name (docs/graph-api.md §3.1).
STRANGE_PERIOD = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRequest:
    """One request of metrics of one object. `params`: all other parameters; `applies_to`: the type of media, where
    metrics differ by it; `may_be_empty`: an answer without any metric is accepted at once."""

    path: str
    metrics: tuple[str, ...]
    params: Mapping[str, Any]
    kind: CallKind
    applies_to: str = ""
    may_be_empty: bool = False

    def operation(self) -> Operation:
        """Return the request as an operation of a batch."""
        return Operation(self.path, {**self.params, "metric": ",".join(self.metrics)}, self.kind)


def _group(request: MetricRequest) -> tuple[str, tuple[str, ...]]:
    return request.applies_to, request.metrics


def _suspects(metrics: Sequence[str], refusal: GraphError) -> list[str]:
    """Return the metrics that a refusal points at: Instagram names the one that does not fit a type of media, or lists
    the names that it accepts (docs/graph-api.md §3.4), unless the list was cut off. The next request confirms them."""
    if len(str(refusal)) >= LONGEST_MESSAGE:
        return []
    named = [name for name in metrics if re.search(rf"\b{name}\b", str(refusal))]
    return [name for name in metrics if name not in named] if _ACCEPTED in str(refusal) else named


def may_be_a_metric(error: GraphError) -> bool:
    """Check that Meta may have refused the request for one of its metrics."""
    return isinstance(error, _REFUSALS.get(error.code or 0, ())) and error.subcode in (None, DOES_NOT_FIT)


@dataclass(kw_only=True)
class MetricReader:
    """Reads metrics with one token, and identifies the dead ones."""

    graph: GraphClient
    token: AccessToken
    availability: Availability

    def read(self, request: MetricRequest) -> list[GraphResponse]:
        """Return the responses that together have every live metric; [] when none is live. Raise an error that is not
        about a metric."""
        (answer,) = self.read_all([request])
        if isinstance(answer, GraphError):
            raise answer
        return answer

    def read_all(self, requests: Sequence[MetricRequest]) -> list[list[GraphResponse] | GraphError]:
        """Return the responses to each request, or its error; raise TokenError. Many requests are sent in batches. If a
        metric was never requested, only the first of the requests with the same metrics is sent at first, so that a
        dead metric makes one request fail and not fifty."""
        for request in requests:
            self._probe(request)
        answers: list[list[GraphResponse] | GraphError] = [[] for _ in requests]
        first_of = {_group(request): at for at, request in reversed(list(enumerate(requests)))}
        ahead = [
            at for at in sorted(first_of.values())
            if not self.availability.is_proven(self._live(requests[at]).metrics, requests[at].applies_to)
        ]
        rest = [at for at in range(len(requests)) if at not in set(ahead)]
        for pending in (ahead, rest):
            while pending:
                pending = self._send(requests, pending, answers)
        return answers

    def _live(self, request: MetricRequest) -> MetricRequest:
        return dataclasses.replace(
            request, metrics=self.availability.live(request.metrics, request.applies_to)
        )

    def _send(
        self, requests: Sequence[MetricRequest], pending: list[int], answers: list[list[GraphResponse] | GraphError]
    ) -> list[int]:
        """Send these requests; return those to send again, without the metrics that turned out to be dead."""
        live = {at: request for at in pending if (request := self._live(requests[at])).metrics}
        for at in pending:
            answers[at] = []
        refusals: dict[int, GraphError] = {}
        for (at, request), answer in zip(live.items(), self._batch(list(live.values())), strict=True):
            if isinstance(answer, GraphError):
                if isinstance(answer, TokenError):
                    raise answer
                answers[at] = answer
                if may_be_a_metric(answer):
                    refusals[at] = answer
            else:
                answers[at] = [answer]
                self.availability.record_requested(request.metrics, request.applies_to)
        if not refusals:
            return []
        first, *others = refusals
        answers[first] = self._search(live[first], refusals[first])
        # The others are sent again without the metrics that are known to be dead now. A request that this does not
        # change is not sent again when it has the same metrics as the first: it stays refused.
        return [
            at for at in others
            if self._live(live[at]).metrics != live[at].metrics or _group(live[at]) != _group(live[first])
        ]

    def _batch(self, requests: Sequence[MetricRequest]) -> list[GraphResponse | GraphError]:
        """Return the answer to each request. One without any metric is accepted if it is returned twice, or if its
        metrics are known to be empty."""
        if len(requests) != 1:
            operations = [request.operation() for request in requests]
            answers = self.graph.batch(operations, token=self.token)
            again = [at for at, answer in enumerate(answers) if self._is_doubtful(requests[at], answer)]
            if again:
                second = self.graph.batch([operations[at] for at in again], token=self.token)
                answers = [dict(zip(again, second, strict=True)).get(at, answer) for at, answer in enumerate(answers)]
            return answers
        try:
            return [self._get(requests[0])]
        except GraphError as error:
            return [error]

    def _get(self, request: MetricRequest) -> GraphResponse:
        operation = request.operation()
        response = self.graph.get(operation.path, operation.params, token=self.token, kind=operation.kind)
        if self._is_doubtful(request, response):
            response = self.graph.get(operation.path, operation.params, token=self.token, kind=operation.kind)
        self.availability.record_requested(request.metrics, request.applies_to)
        return response

    def _is_doubtful(self, request: MetricRequest, answer: GraphResponse | GraphError) -> bool:
        """Check that an answer has no metric although these had values before, or were never requested."""
        return (
            not isinstance(answer, GraphError) and not request.may_be_empty and is_empty(answer)
            and not self.availability.is_known_to_be_empty(request.metrics, request.applies_to)
        )

    def _search(self, request: MetricRequest, refusal: GraphError) -> list[GraphResponse] | GraphError:
        """Identify the metrics for which a request was refused, and return the responses with all others. Return the
        last refusal, and store nothing, when the metrics are not its cause."""
        left, responses = list(request.metrics), list[GraphResponse]()
        dead: dict[str, GraphError] = {}
        unconfirmed: list[str] = []
        error: GraphError | None = refusal
        try:
            suspects = _suspects(left, refusal)
            if 0 < len(suspects) < len(left):
                others = [name for name in left if name not in suspects]
                if self._try(request, others, responses) is None:
                    dead, error = dict.fromkeys(suspects, refusal), None
            while left and error is not None:
                culprit, error = self._narrow(request, left, error, responses)
                left.remove(culprit)
                dead[culprit] = error
                unconfirmed = [] if responses else [*unconfirmed, culprit]
                if unconfirmed and (not left or len(unconfirmed) >= MOST_UNCONFIRMED):
                    if not all(self._is_unknown(request, name, dead[name]) for name in unconfirmed):
                        return error
                    unconfirmed = []
                error = self._try(request, left, responses)
        except TokenError:
            raise
        except GraphError as other:
            return other
        for metric, reason in dead.items():
            self.availability.record_dead(metric, reason.without_trace, request.applies_to)
        return responses

    def _try(
        self, request: MetricRequest, metrics: Sequence[str], responses: list[GraphResponse]
    ) -> GraphError | None:
        """Request these metrics; return the refusal if there was one. Raise an error that is not about a metric."""
        if not metrics:
            return None
        try:
            responses.append(self._get(dataclasses.replace(request, metrics=tuple(metrics))))
        except GraphError as refusal:
            if not may_be_a_metric(refusal):
                raise
            return refusal
        return None

    def _is_unknown(self, request: MetricRequest, metric: str, refusal: GraphError) -> bool:
        """Check that Meta does not know the name: then it repeats the same error for a period that the metric does not
        have, with no other parameter that it may refuse. A refusal with a subcode has another cause."""
        if refusal.code != 100 or refusal.subcode is not None:
            return False
        strange = dataclasses.replace(request, metrics=(metric,), params={"period": STRANGE_PERIOD})
        try:
            self._get(strange)
        except GraphError as again:
            return may_be_a_metric(again) and again.without_trace == refusal.without_trace
        return False

    def _narrow(
        self, request: MetricRequest, left: list[str], error: GraphError, responses: list[GraphResponse]
    ) -> tuple[str, GraphError]:
        """Return one of the refused metrics in `left` with its refusal, identified by halving; the halves that are
        answered are added to `responses` and removed from `left`."""
        suspects = list(left)
        while len(suspects) > 1:
            half, other = suspects[: len(suspects) // 2], suspects[len(suspects) // 2:]
            if (refusal := self._try(request, half, responses)) is not None:
                suspects, error = half, refusal
            else:
                for name in half:
                    left.remove(name)
                suspects = other
        return suspects[0], error

    def _probe(self, request: MetricRequest) -> None:
        """Request each dead metric that is due for it, alone: one that is answered is alive again. Stop at an error
        that is not about the metric, such as an object without insights."""
        for metric in self.availability.to_probe(request.metrics, request.applies_to):
            try:
                self._get(dataclasses.replace(request, metrics=(metric,)))
            except (TokenError, ThrottledError):
                raise
            except GraphError as error:
                if not may_be_a_metric(error):
                    return
                self.availability.record_dead(metric, error.without_trace, request.applies_to)
            else:
                self.availability.record_alive(metric, request.applies_to)
