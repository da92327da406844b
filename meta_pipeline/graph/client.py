"""The gateway: the one file that calls Graph. Every call to Graph is let in by the budget, made here, audited, and its
trouble named."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
import requests
import urllib3
from requests.adapters import BaseAdapter

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph import features as switches
from meta_pipeline.graph.budget import Admission, SharedBudget
from meta_pipeline.graph.errors import GraphError, ThrottledError, TooMuchDataError, TransientError, reduced
from meta_pipeline.graph.limits import Charge, charges
from meta_pipeline.graph.request import (
    SECRET_PARAMETERS,
    Errand,
    Operation,
    PageSize,
    Surface,
    appsecret_proof,
    encoded,
)
from meta_pipeline.graph.response import Answer, GraphResponse, answer_of
from meta_pipeline.graph.samples import Samples
from meta_pipeline.records import AccessToken, App, Batch, ConfigError

TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
# No call is tried again after so long, whatever is left of its tries.
DEADLINE_S = 300.0
Sent = TypeVar("Sent")
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
    ) -> None:
        if not graph_url.startswith(("http://", "https://")):
            raise ConfigError(f"META_PIPELINE_GRAPH_URL must start with http:// or https://, not {graph_url!r}")
        self.graph_url = graph_url.rstrip("/")
        self.app_id = app_id
        self.marketing_version = marketing_version
        self.now = now
        self.errand = Errand()
        self._app_secret = app_secret
        self._versions: dict[Surface, str] = {"graph": graph_version, "marketing": marketing_version}
        self._audit = audit
        self._budget = budget
        self._samples = samples
        self._features = features
        self._sleep = sleep
        self._timeout = (connect_timeout_s, read_timeout_s)
        self._adapter = adapter
        self._local = threading.local()
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

    def on(self, errand: Errand) -> GraphClient:
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
        surface: Surface = "graph",
    ) -> GraphResponse:
        """A node or an edge. Trouble that passes is retried a few times; a limit is waited for, if that is short."""
        return self._persist(lambda: self._send("GET", path, params or {}, token=token, surface=surface))

    def post(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        token: AccessToken | None,
        surface: Surface,
        is_repeatable: bool = False,
    ) -> GraphResponse:
        """A POST. There are no idempotency keys, so one whose outcome is unknown is not sent again, unless it
        `is_repeatable`: twice the same, as asking for a report is, leaves Meta as once. A refusal for a limit is no
        unknown outcome: nothing was done."""
        send = lambda: self._send("POST", path, params, token=token, surface=surface)
        return self._persist(send, passes=(TransientError, ThrottledError) if is_repeatable else (ThrottledError,))

    def delete(self, path: str, *, token: AccessToken | None, surface: Surface = "graph") -> GraphResponse:
        """A DELETE. Twice the same leaves Meta as once."""
        return self._persist(lambda: self._send("DELETE", path, {}, token=token, surface=surface))

    def batches(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        surface: Surface,
        size: PageSize | None = None,
    ) -> Iterator[Batch]:
        """Every page of an edge, lazily. A page may be short or empty while more follow: only a missing
        `paging.next` ends it. `next` holds the token, so the request is built anew from the cursor. A page that was
        promised and holds nothing is asked for once more: an answer that got lost looks the same. With a `size` the
        pages are as long as it says, and one that is too much is asked for again, shorter."""
        request = dict(params or {})
        is_promised = is_doubted = False
        while True:
            if size is not None:
                request["limit"] = size.page
            try:
                answer = self.get(path, request, token=token, surface=surface)
            except TooMuchDataError:
                if size is None or not size.page_was_refused(self.now()):
                    raise
                continue
            page = answer.page
            if size is not None:
                size.page_worked(len(page.data))
            if is_promised and not page.data and page.following() is None and not is_doubted:
                is_doubted = True
                continue
            is_promised, is_doubted = True, False
            yield _batch(answer)
            following = page.following()
            if following is None:
                return
            request |= following

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
                self._nap(pauses)
        unanswered = TransientError("Graph left operations of a batch unanswered")
        return [unanswered if answer is None else answer for answer in answers]

    def oauth(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One of the calls whose query Meta wants to hold a secret (graph-api.md §4.1): sent once, query never kept."""
        data = self._send("GET", path, params, token=None, surface="graph").data
        if not isinstance(data, dict):
            raise TransientError("the answer is no object")
        return data

    def _persist(
        self,
        send: Callable[[], Sent],
        passes: tuple[type[GraphError], ...] = (TransientError, ThrottledError),
    ) -> Sent:
        """Send again what failed for a moment: back off with jitter; after a limit the budget says when, if soon."""
        started, attempt = self.now(), 1
        limited: ThrottledError | None = None
        while True:
            try:
                return send()
            except passes as error:
                elapsed = (self.now() - started).total_seconds()
                if isinstance(error, ThrottledError) and error.http_status is None:  # the budget says wait too long
                    if limited is None:
                        raise
                    limited.retry_after = error.retry_after
                    raise limited from None
                if attempt >= TRIES or elapsed > DEADLINE_S:
                    raise reduced(error) from None
                if isinstance(error, ThrottledError):
                    if self._budget is None:
                        raise
                    limited = error
                else:
                    self._nap(attempt)
            attempt += 1

    def _nap(self, attempt: int) -> None:
        self._sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt) * random.uniform(0.5, 1.0))

    def _send(
        self, method: str, path: str, params: Mapping[str, Any], *, token: AccessToken | None, surface: Surface
    ) -> GraphResponse:
        switches.check(method, path, token, features=self._features)
        charged = charges(path, surface, self.errand.node_id)
        version = self._versions[surface]
        return self._response(
            self._exchange(method, path, params, token=token, version=version, charged=charged), version
        )

    def _response(self, answer: Answer, version: str) -> GraphResponse:
        """A result; `version` was asked for, and is what was used unless the answer says another."""
        if answer.error is not None:
            raise answer.error
        used = answer.headers.get("facebook-api-version", version)
        return GraphResponse(answer, used, self.now())

    def _send_batch(
        self, operations: Sequence[Operation], *, token: AccessToken
    ) -> list[GraphResponse | GraphError | None]:
        charged: dict[Charge, None] = {}
        for operation in operations:
            switches.check("GET", operation.path, token, features=self._features)
            charged |= dict.fromkeys(charges(operation.path, operation.surface, self.errand.node_id))
        asked = [
            {
                "method": "GET",
                "relative_url": f"{self._versions[one.surface]}/{one.path.strip('/')}?{urlencode(encoded(one.params))}",
            }
            for one in operations
        ]

        def send() -> Answer:
            answer = self._exchange(
                "POST", "", {"batch": asked, "include_headers": True}, token=token, version=self._versions["graph"],
                charged=tuple(charged), operations=len(operations),
            )
            if answer.error is not None:
                raise answer.error
            return answer

        members = self._persist(send).members
        if len(members) != len(operations):
            raise TransientError("the answer of a batch has not as many members as operations")
        found: list[GraphResponse | GraphError | None] = []
        for one, member in zip(operations, members, strict=True):
            try:
                found.append(self._response(member, self._versions[one.surface]) if member is not None else None)
            except GraphError as error:
                found.append(self._without_secrets(error, token, {}))
        return found

    def _batch_size(self, first: Operation) -> int:
        if self._budget is None:
            return BATCH_LIMIT
        return min(BATCH_LIMIT, self._budget.room(charges(first.path, first.surface, self.errand.node_id)))

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        *,
        token: AccessToken | None,
        version: str,
        charged: tuple[Charge, ...],
        operations: int = 1,
    ) -> Answer:
        """One HTTP call: admitted, sent, settled, audited, and sampled. Its error is without secrets."""
        admission = self._admitted(charged, operations)
        form, headers = encoded(params), {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
            if self._app_secret:
                form["appsecret_proof"] = appsecret_proof(token.value, self._app_secret)
        started, at = time.monotonic(), self.now()
        usage: dict[str, Any] | None = None
        limit: ThrottledError | None = None
        error: TransientError | None = None
        try:
            try:
                response = self._session.request(
                    method, f"{self.graph_url}/{version}/{path.strip('/')}", headers=headers, timeout=self._timeout,
                    params=form if method != "POST" else None, data=form if method == "POST" else None,
                    allow_redirects=False, stream=True,
                )
                # In one piece: `content` reads ten kilobytes at a time.
                body = response.raw.read(decode_content=True)
            except requests.Timeout:
                error = TransientError(f"no answer from {self.graph_url} in time")
            except (requests.RequestException, urllib3.exceptions.HTTPError) as exception:
                # The text of this exception holds the URL with its query: only its kind may leave here.
                error = TransientError(f"no connection to {self.graph_url} ({type(exception).__name__})")
            event = AuditEvent(
                at, method, f"/{version}/{path.strip('/')}", time.monotonic() - started, operations=operations,
                node_id=self.errand.node_id, report=self.errand.report, run_id=self.errand.run_id,
                backfill_id=self.errand.backfill_id,
            )
            if error is not None:
                self._audit(event)
                raise error
            answer = answer_of(response.status_code, response.headers, body, self._row)
            usage, limit = answer.usage, answer.limit
            self._audit(_answered(event, response.status_code, answer))
        finally:
            if admission is not None and self._budget is not None:
                self._budget.settle(admission, usage, limit)
        if self._samples is not None:
            self._samples.keep(
                method, event.path, form, response.status_code, answer.body, self._secrets(token, form)
            )
        if answer.error is not None:
            self._without_secrets(answer.error, token, form)
        return answer

    def _admitted(self, charged: tuple[Charge, ...], operations: int) -> Admission | None:
        if self._budget is None:
            return None
        return self._budget.admit(charged, operations=operations, purpose=self.errand.purpose)

    def _secrets(self, token: AccessToken | None, form: Mapping[str, str]) -> list[str]:
        found = [token.value if token else None, self._app_secret, *(form.get(name) for name in SECRET_PARAMETERS)]
        return [secret for secret in found if secret]

    def _without_secrets(self, error: GraphError, token: AccessToken | None, form: Mapping[str, str]) -> GraphError:
        """Meta's own message may repeat what it was sent."""
        text = str(error)
        for secret in self._secrets(token, form):
            text = text.replace(secret, "…")
        error.args = (text,)
        return error

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = _session(self.graph_url)
            if self._adapter is not None:
                self._local.session.mount(self.graph_url, self._adapter)
        session: requests.Session = self._local.session
        return session


def _session(url: str) -> requests.Session:
    """A session that asks the environment for proxies and certificates once, not before every call; and never a
    .netrc, whose password would take the token's place."""
    session = requests.Session()
    found = session.merge_environment_settings(url, {}, False, None, None)
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.trust_env = False
    return session


def _batch(answer: GraphResponse) -> Batch:
    """A page with its records, or with what was decoded of them."""
    data = answer.page.data
    are_raw = bool(data) and isinstance(data[0], msgspec.Raw)
    records, rows = (tuple(map(bytes, data)), ()) if are_raw else ((), data)
    return Batch(records, answer.trace_id, answer.version, answer.fetched_at, answer.body, rows)


def _answered(event: AuditEvent, status: int, answer: Answer) -> AuditEvent:
    """The audit line of a call that was answered."""
    error, headers = answer.error, answer.headers
    return dataclasses.replace(
        event, status=status, code=error.code if error else None, subcode=error.subcode if error else None,
        fbtrace_id=answer.trace_id, fb_rev=headers.get("x-fb-rev"),
        version=headers.get("facebook-api-version", event.version), usage=answer.usage,
        warning=headers.get("x-ad-api-version-warning"), rows=answer.rows,
    )
