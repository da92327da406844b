"""What may be asked of Graph: nodes, edges, batches of operations; for which errand, in which version."""

from __future__ import annotations

import copy
import datetime as dt
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from requests.adapters import BaseAdapter

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph import features as switches
from meta_pipeline.graph import paging
from meta_pipeline.graph.budget import SharedBudget
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.errors import GraphError, ThrottledError, TransientError, UnreadableAnswerError
from meta_pipeline.graph.limits import Charge, charges
from meta_pipeline.graph.request import CallContext, PageSize, Surface, encoded
from meta_pipeline.graph.response import Answer, GraphResponse
from meta_pipeline.graph.retry import TRIES, Retry
from meta_pipeline.graph.samples import Samples
from meta_pipeline.graph.wire import Wire
from meta_pipeline.records import AccessToken, App, Batch, ConfigError

BATCH_LIMIT = 50  # operations in one batch (graph-api.md §8)


class GraphClient:
    """A client for any server that speaks the Graph protocol. It is given tokens; it never fetches one."""

    def __init__(
        self,
        *,
        graph_url: str,
        app_id: str | None,
        app_secret: str | None,
        graph_version: str,
        marketing_version: str,
        audit: Callable[[AuditEvent], None],
        budget: SharedBudget | None = None,
        samples: Samples | None = None,
        features: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 120.0,
        adapter: BaseAdapter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not graph_url.startswith(("http://", "https://")):
            raise ConfigError(f"META_PIPELINE_GRAPH_URL must start with http:// or https://, not {graph_url!r}")
        self.graph_url = graph_url.rstrip("/")
        self.app_id = app_id
        self.marketing_version = marketing_version
        self.now = now
        self.errand = CallContext()
        self._app_secret = app_secret
        self._versions: dict[Surface, str] = {"graph": graph_version, "marketing": marketing_version}
        self._budget = budget
        self._features = features
        self._retry = Retry(now=now, sleep=sleep, has_budget=budget is not None)
        self._wire = Wire(
            self.graph_url, app_secret=app_secret, audit=audit, budget=budget, samples=samples, now=now,
            timeout_s=(connect_timeout_s, read_timeout_s), adapter=adapter, clock=clock,
        )
        self._row: type = msgspec.Raw

    def __repr__(self) -> str:
        return f"GraphClient({self.graph_url}, {self._versions})"

    @property
    def app(self) -> App:
        """The app this gateway speaks for; ConfigError when it is not known."""
        if not self.app_id or not self._app_secret:
            raise ConfigError(
                "META_PIPELINE_APP_ID and META_PIPELINE_APP_SECRET must both be set: the app's settings page has them"
            )
        return App(self.app_id, self._app_secret)

    @property
    def host(self) -> str:
        """The host it talks to, as an error may show it."""
        return self._wire.host

    def on(self, errand: CallContext) -> GraphClient:
        """The same gateway, its calls charged and audited as this errand's."""
        bound = copy.copy(self)
        bound.errand = errand
        return bound

    def reading(self, row: type) -> GraphClient:
        """The same gateway; of the records of its pages no more is decoded than `row` has, a msgspec type, and they are
        not cut: a batch has `rows` and a `body` then, and no `records`."""
        bound = copy.copy(self)
        bound._row = row
        return bound

    def pinned(self, surface: Surface, version: str) -> GraphClient:
        """The same gateway with another version on one surface."""
        bound = copy.copy(self)
        bound._versions = {**self._versions, surface: version}
        bound.marketing_version = bound._versions["marketing"]
        return bound

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        kind: CallKind,
    ) -> GraphResponse:
        """A node or an edge. Trouble that passes is retried a few times; a limit is waited for, if that is short."""
        return self._retry.persist(lambda: self._send("GET", path, params or {}, token=token, kind=kind))

    def post(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        token: AccessToken | None,
        kind: CallKind,
        is_repeatable: bool = False,
    ) -> GraphResponse:
        """A POST. There are no idempotency keys, so one whose outcome is unknown is not sent again, unless it
        `is_repeatable`: twice the same, as asking for a report is, leaves Meta as once. A refusal for a limit is no
        unknown outcome: nothing was done."""
        send = lambda: self._send("POST", path, params, token=token, kind=kind)
        passes = (TransientError, ThrottledError) if is_repeatable else (ThrottledError,)
        return self._retry.persist(send, passes=passes)

    def delete(self, path: str, *, token: AccessToken | None, kind: CallKind) -> GraphResponse:
        """A DELETE. Twice the same leaves Meta as once."""
        return self._retry.persist(lambda: self._send("DELETE", path, {}, token=token, kind=kind))

    def batches(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        kind: CallKind,
        size: PageSize | None = None,
    ) -> Iterator[Batch]:
        """Every page of an edge, lazily. With a `size` the pages are as long as it says, and one that is too much is
        asked for again, shorter."""
        get = lambda request: self.get(path, request, token=token, kind=kind)
        return paging.batches(get, params or {}, size=size, now=self.now)

    def batch(
        self, operations: Sequence[Operation], *, token: AccessToken
    ) -> list[GraphResponse | GraphError]:
        """Many GETs in as few HTTP calls as the budget lets in, answers in order; each operation is charged. One that
        Graph did not get to (a null answer) or that failed for a moment is asked again after a pause; one that
        failed for good answers its error."""
        answers: list[GraphResponse | GraphError | None] = [None] * len(operations)
        pending, pauses = list(range(len(operations))), 0
        while pending:
            some = pending[: self._batch_size(operations[pending[0]])]
            missed: list[int] = []
            for at, answer in zip(some, self._send_batch([operations[at] for at in some], token=token), strict=True):
                answers[at] = answer
                if answer is None or isinstance(answer, TransientError | ThrottledError):
                    missed.append(at)
            pending = missed + pending[len(some):]
            if missed:
                pauses += 1
                if pauses >= TRIES:
                    break
                self._retry.nap(pauses)
        unanswered = TransientError("Graph left operations of a batch unanswered")
        return [unanswered if answer is None else answer for answer in answers]

    def oauth(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One of the calls whose query Meta wants to hold a secret (graph-api.md §4.1): sent once, query never kept."""
        return self._send("GET", path, params, token=None, kind=CallKind.IDENTITY).object

    def _send(
        self, method: str, path: str, params: Mapping[str, Any], *, token: AccessToken | None, kind: CallKind
    ) -> GraphResponse:
        switches.check(method, kind, token, features=self._features)
        charged = charges(kind, path, self.errand.node_id)
        version = self._versions[kind.value.surface]
        answer = self._wire.exchange(
            method, path, params, token=token, version=version, errand=self.errand, charged=charged, row=self._row
        )
        return self._response(answer, version)

    def _response(self, answer: Answer, version: str) -> GraphResponse:
        """A result; `version` was asked for, and is what was used unless the answer says another."""
        if answer.error is not None:
            raise answer.error
        used = answer.headers.get("facebook-api-version", version)
        return GraphResponse(answer, used, self.now(), self.host)

    def _send_batch(
        self, operations: Sequence[Operation], *, token: AccessToken
    ) -> list[GraphResponse | GraphError | None]:
        charged: dict[Charge, None] = {}
        for operation in operations:
            switches.check("GET", operation.kind, token, features=self._features)
            charged |= dict.fromkeys(charges(operation.kind, operation.path, self.errand.node_id))
        asked = [
            {
                "method": "GET",
                "relative_url": f"{self._versions[one.kind.value.surface]}/{one.path.strip('/')}?"
                + urlencode(encoded(one.params)),
            }
            for one in operations
        ]

        def send() -> Answer:
            answer = self._wire.exchange(
                "POST", "", {"batch": asked, "include_headers": True}, token=token, version=self._versions["graph"],
                errand=self.errand, charged=tuple(charged), row=self._row, operations=len(operations),
            )
            if answer.error is not None:
                raise answer.error
            return answer

        members = self._retry.persist(send).members
        if len(members) != len(operations):
            raise UnreadableAnswerError(f"{self.host} answered a batch with another number of members than operations")
        found: list[GraphResponse | GraphError | None] = []
        for one, member in zip(operations, members, strict=True):
            try:
                version = self._versions[one.kind.value.surface]
                found.append(self._response(member, version) if member is not None else None)
            except GraphError as error:
                found.append(self._wire.without_secrets(error, token, {}))
        return found

    def _batch_size(self, first: Operation) -> int:
        if self._budget is None:
            return BATCH_LIMIT
        return min(BATCH_LIMIT, self._budget.room(charges(first.kind, first.path, self.errand.node_id)))
