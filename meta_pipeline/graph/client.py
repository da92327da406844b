"""The gateway: fetch nodes, edges and batches of operations, charged and audited in a call context, at a pinned
version."""

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
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.errors import GraphError, ThrottledError, TransientError, UnreadableAnswerError
from meta_pipeline.graph.gate import Gate, Permit
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.graph.limits.rate_limits import Charge, charges
from meta_pipeline.graph.request import CallContext, PageSize, Piece, Surface, encoded
from meta_pipeline.graph.responses import paging
from meta_pipeline.graph.responses.response import Answer, GraphResponse
from meta_pipeline.graph.retry import TRIES, Retry
from meta_pipeline.graph.samples import Samples
from meta_pipeline.graph.wire import Files, Wire
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, App, Batch, ConfigError

BATCH_LIMIT = 50  # operations in one batch (docs/graph-api.md §8)


class GraphClient:
    """A client for any server that speaks the Graph protocol. It receives tokens as arguments and never fetches one."""

    def __init__(
        self,
        *,
        graph_url: str,
        upload_url: str | None = None,
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
        self.context = CallContext()
        self._app_secret = app_secret
        self._versions: dict[Surface, str] = {"graph": graph_version, "marketing": marketing_version}
        self._budget = budget
        self._gate = Gate(features)
        self._retry = Retry(now=now, sleep=sleep, has_budget=budget is not None)
        self._wire = Wire(
            self.graph_url, upload_url=upload_url, app_secret=app_secret, audit=audit, budget=budget, samples=samples,
            now=now, timeout_s=(connect_timeout_s, read_timeout_s), adapter=adapter, clock=clock,
        )
        self._row: type = msgspec.Raw

    def __repr__(self) -> str:
        return f"GraphClient({self.graph_url}, {self._versions})"

    @property
    def app(self) -> App:
        """Return the app that signs the calls; raise ConfigError when its id or secret is not set."""
        if not self.app_id or not self._app_secret:
            raise ConfigError(
                "META_PIPELINE_APP_ID and META_PIPELINE_APP_SECRET must both be set: the app's settings page has them"
            )
        return App(self.app_id, self._app_secret)

    @property
    def host(self) -> str:
        """Return scheme, host and port of the Graph URL: the part that errors may show."""
        return self._wire.host

    @property
    def version(self) -> str:
        """Return the pinned version of the Graph API."""
        return self._versions["graph"]

    def on(self, context: CallContext) -> GraphClient:
        """Return a gateway whose calls are charged and audited in this context."""
        bound = copy.copy(self)
        bound.context = context
        return bound

    def reading(self, row: type) -> GraphClient:
        """Return a gateway that decodes only the fields of `row` (a msgspec type) from the records of a page.

        The page is not split into records: a batch then has `rows` and a `body`, and no `records`."""
        bound = copy.copy(self)
        bound._row = row
        return bound

    def pinned(self, surface: Surface, version: str) -> GraphClient:
        """Return a gateway with another version on one surface."""
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
        """Fetch a node or an edge. Retry transient errors a few times, and wait for a short rate limit."""
        return self._retry.persist(lambda: self._send(self._gate.read(path, kind, token), params or {}, token=token))

    def submit(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        token: AccessToken | None,
        kind: CallKind,
        is_repeatable: bool = False,
    ) -> GraphResponse:
        """Send a POST that changes nothing: the submission of a report run.

        A POST with an unknown outcome is sent again only if it `is_repeatable`: a second report run does no harm, but
        it costs budget."""
        send = lambda: self._send(self._gate.reading_post(path, kind, token), params, token=token)
        retry_on = (TransientError, ThrottledError) if is_repeatable else (ThrottledError,)
        return self._retry.persist(send, retry_on=retry_on)

    def require(self, kind: WriteKind) -> None:
        """Raise ConfigError, which names the flag, the scopes and the task, when a kind of change is switched off."""
        self._gate.require(kind)

    def write(
        self,
        kind: WriteKind,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        plan_id: str | None = None,
        files: Files | None = None,
    ) -> GraphResponse:
        """Change something at Meta, if the gate permits it. `plan_id`: the ads or publishing plan that lists the
        change; `files`: parts of a POST's body.

        Graph has no idempotency keys, so a POST with an unknown outcome is not sent again. After a throttling error it
        is, because Meta did nothing. A DELETE is idempotent, so it is retried like a GET."""
        send = lambda: self._send(
            self._gate.write(kind, path, token=token, plan_id=plan_id), params or {}, token=token, files=files
        )
        if kind.value.method == "DELETE":
            return self._retry.persist(send)
        return self._retry.persist(send, retry_on=(ThrottledError,))

    def upload(
        self, kind: WriteKind, address: str, piece: Piece, *, token: AccessToken, plan_id: str
    ) -> GraphResponse:
        """Send a piece of a file to an address that Graph returned. Raise ConfigError unless the address is on the
        upload host, because the token is sent with the piece. A piece is not sent again: after a broken connection,
        the status of the upload says how much has arrived."""
        permit = self._gate.write(kind, self._wire.path_of_upload(address), token=token, plan_id=plan_id)
        return self._response(self._exchange(permit, {}, token=token, piece=piece), self._versions[permit.surface])

    def batches(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        kind: CallKind,
        size: PageSize | None = None,
    ) -> Iterator[Batch]:
        """Yield every page of an edge, lazily. `size` sets the page length; a page that is too large is requested again
        with fewer rows."""
        get = lambda request: self.get(path, request, token=token, kind=kind)
        return paging.batches(get, params or {}, size=size, now=self.now)

    def batch(
        self, operations: Sequence[Operation], *, token: AccessToken
    ) -> list[GraphResponse | GraphError]:
        """Send many GETs in as few HTTP calls as the budget allows and return their responses in order.

        Every operation is charged. One that Graph left out (a null response) or that failed with a transient error is
        sent again after a pause; one that failed permanently is returned as its error."""
        answers: list[GraphResponse | GraphError | None] = [None] * len(operations)
        pending, pauses = list(range(len(operations))), 0
        while pending:
            chunk = pending[: self._batch_size(operations[pending[0]])]
            missed: list[int] = []
            for at, answer in zip(chunk, self._send_batch([operations[at] for at in chunk], token=token), strict=True):
                answers[at] = answer
                if answer is None or isinstance(answer, TransientError | ThrottledError):
                    missed.append(at)
            pending = missed + pending[len(chunk):]
            if missed:
                pauses += 1
                if pauses >= TRIES:
                    break
                self._retry.pause(pauses)
        unanswered = TransientError("Graph returned no response to some operations of a batch")
        return [unanswered if answer is None else answer for answer in answers]

    def oauth(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send an OAuth call once. Its query contains a secret (docs/graph-api.md §4.1), so it is never stored."""
        return self._send(self._gate.oauth(path), params, token=None).object

    def _send(
        self, permit: Permit, params: Mapping[str, Any], *, token: AccessToken | None, files: Files | None = None
    ) -> GraphResponse:
        version = self._versions[permit.surface]
        return self._response(self._exchange(permit, params, token=token, files=files), version)

    def _exchange(
        self, permit: Permit, params: Mapping[str, Any], *, token: AccessToken | None, operations: int = 1,
        files: Files | None = None, piece: Piece | None = None,
    ) -> Answer:
        charged: dict[Charge, None] = {}
        for kind, path in permit.kinds:
            charged |= dict.fromkeys(charges(kind, path, self.context.node_id))
        return self._wire.exchange(
            permit, params, token=token, version=self._versions[permit.surface], context=self.context,
            charged=tuple(charged), row=self._row, operations=operations, files=files, piece=piece,
        )

    def _response(self, answer: Answer, version: str) -> GraphResponse:
        """Return the result of an answer, or raise its error. `version` was requested; a header may name another."""
        if answer.error is not None:
            raise answer.error
        used = answer.headers.get("facebook-api-version", version)
        return GraphResponse(answer, used, self.now(), self.host)

    def _send_batch(
        self, operations: Sequence[Operation], *, token: AccessToken
    ) -> list[GraphResponse | GraphError | None]:
        permit = self._gate.batch(operations, token)
        requests = [
            {
                "method": "GET",
                "relative_url": f"{self._versions[operation.kind.value.surface]}/{operation.path.strip('/')}?"
                + urlencode(encoded(operation.params)),
            }
            for operation in operations
        ]

        def send() -> Answer:
            params = {"batch": requests, "include_headers": True}
            answer = self._exchange(permit, params, token=token, operations=len(operations))
            if answer.error is not None:
                raise answer.error
            return answer

        members = self._retry.persist(send).members
        if len(members) != len(operations):
            raise UnreadableAnswerError(f"{self.host} did not return exactly one response to each operation of a batch")
        responses: list[GraphResponse | GraphError | None] = []
        for operation, member in zip(operations, members, strict=True):
            try:
                version = self._versions[operation.kind.value.surface]
                responses.append(self._response(member, version) if member is not None else None)
            except GraphError as error:
                responses.append(self._wire.without_secrets(error, token, {}))
        return responses

    def _batch_size(self, first: Operation) -> int:
        if self._budget is None:
            return BATCH_LIMIT
        return min(BATCH_LIMIT, self._budget.room(charges(first.kind, first.path, self.context.node_id)))
