"""Send one call to Graph over HTTP; the only module that does.

The call is admitted by the budget, sent and audited; a network failure becomes a GraphError."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.errors import (
    CallDeadlineError,
    ConnectionFailedError,
    GraphError,
    MalformedTokenError,
    ThrottledError,
    detached,
)
from meta_pipeline.graph.gate import Permit
from meta_pipeline.graph.http import body as content
from meta_pipeline.graph.http.bounds import CALL_DEADLINE_S
from meta_pipeline.graph.http.transport import BROKEN, DeadlineAdapter, Session, cause_of, host_of
from meta_pipeline.graph.limits.budget import Admission, SharedBudget
from meta_pipeline.graph.limits.rate_limits import Charge
from meta_pipeline.graph.redaction import secrets_of, without
from meta_pipeline.graph.request import CallContext, Piece, appsecret_proof, encoded
from meta_pipeline.graph.responses.response import Answer, answer_of
from meta_pipeline.graph.samples import Samples
from meta_pipeline.records import AccessToken, ConfigError

# The parts of a multipart body: parameter name → (file name, bytes).
Files = Mapping[str, tuple[str, bytes]]
# Meta's Graph, and its host for resumable uploads (docs/graph-api.md §12).
META_URL, UPLOAD_URL = "https://graph.facebook.com", "https://rupload.facebook.com"
# The characters of an access token: those a header allows, without the space.
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Wire:
    """The state that all calls of a gateway share: the app secret, a session for each thread, the budget and the
    audit."""

    def __init__(
        self,
        graph_url: str,
        *,
        upload_url: str | None,
        app_secret: str | None,
        audit: Callable[[AuditEvent], None],
        budget: SharedBudget | None,
        samples: Samples | None,
        now: Callable[[], dt.datetime],
        timeout_s: tuple[float, float],
        adapter: BaseAdapter | None,
        clock: Callable[[], float],
    ) -> None:
        self.host = host_of(graph_url)
        self._graph_url = graph_url
        self._upload_url = (upload_url or upload_url_of(graph_url)).rstrip("/")
        self._app_secret = app_secret
        self._audit = audit
        self._budget = budget
        self._samples = samples
        self._now = now
        self._timeout_s = timeout_s
        self._adapter = adapter
        self._clock = clock
        self._local = threading.local()

    def exchange(
        self,
        permit: Permit,
        params: Mapping[str, Any],
        *,
        token: AccessToken | None,
        version: str,
        context: CallContext,
        charged: tuple[Charge, ...],
        row: type,
        operations: int = 1,
        files: Files | None = None,
        piece: Piece | None = None,
    ) -> Answer:
        """Send the HTTP call that the gate has permitted and return its answer, whose error contains no secrets.

        `row`: the fields that are decoded from a page's records; `files`: parts of a POST's body; `piece`: sent to the
        upload host. Raise ThrottledError when the budget has no room, and the errors of `http/bounds.py` and of the
        network."""
        method, path = permit.method, permit.path
        form, headers = encoded(params), {}
        if token is not None:
            if not _TOKEN.fullmatch(token.value):
                raise MalformedTokenError("the access token is empty or has characters that no token has")
            headers["Authorization"] = f"Bearer {token.value}" if piece is None else f"OAuth {token.value}"
            if self._app_secret and piece is None:
                form["appsecret_proof"] = appsecret_proof(token.value, self._app_secret)
        admission = self._admitted(charged, operations, context)
        started, at = self._clock(), self._now()
        usage: dict[str, Any] | None = None
        limit: ThrottledError | None = None
        error: GraphError | None = None
        try:
            try:
                response = self._session.request(
                    method, f"{self._graph_url}/{version}/{path}" if piece is None else f"{self._upload_url}/{path}",
                    headers={**headers, **(piece.headers if piece else {})}, timeout=self._timeout_s,
                    params=form if method != "POST" else None,
                    data=piece.content if piece else form if method == "POST" else None, files=files, stream=True,
                )
                sent = started if piece is None else self._clock()  # the time of the upload itself has no bound
                try:
                    body = content.read(response.raw, deadline=sent + CALL_DEADLINE_S, clock=self._clock)
                except GraphError as bound:  # the next call must not read the rest of the body
                    response.close()
                    error = detached(bound)
            except BROKEN as exception:
                error = self._failed(exception, started)
            event = AuditEvent(
                at=at, method=method, path=f"/{version}/{path}", duration_s=self._clock() - started,
                operations=operations,
                node_id=context.node_id, report=context.report, run_id=context.run_id, backfill_id=context.backfill_id,
                plan_id=permit.plan_id,
            )
            if error is not None:
                self._audit(event)
                raise error
            answer = answer_of(response.status_code, response.headers, body, row)
            usage, limit = answer.usage, answer.limit
            self._audit(_answered(event, response.status_code, answer))
        finally:
            if admission is not None and self._budget is not None:
                self._budget.settle(admission, usage, limit)
        if self._samples is not None and not permit.is_personal:
            secret = secrets_of(token, self._app_secret, form)
            self._samples.write(method, event.path, form, response.status_code, body, secret)
        if answer.error is not None:
            self.without_secrets(answer.error, token, form)
        return answer

    def path_of_upload(self, address: str) -> str:
        """Return the path of an address for an upload; raise ConfigError for one on another host."""
        try:
            split = urlsplit(address)
            is_upload_host = f"{split.scheme}://{split.netloc}" == self._upload_url and not split.query
        except ValueError:
            split, is_upload_host = urlsplit(""), False
        if not is_upload_host:
            raise ConfigError(
                f"Graph returned an upload address on {host_of(address[:200])}, but uploads go only to "
                f"{self._upload_url}: if that is Meta's new host, set META_PIPELINE_UPLOAD_URL to it; nothing was "
                "uploaded"
            )
        return split.path.strip("/")

    def _failed(self, exception: Exception, started: float) -> GraphError:
        """Return the error of a network failure. The exception's text contains the URL with its query, so only its
        cause is repeated."""
        if self._clock() - started >= CALL_DEADLINE_S:
            return CallDeadlineError(f"{self.host} did not answer completely within {CALL_DEADLINE_S:.0f} s")
        cause = cause_of(exception)
        if isinstance(exception, requests.ConnectionError):
            return ConnectionFailedError(f"could not connect to {self.host} ({cause})")
        if isinstance(exception, requests.Timeout | urllib3.exceptions.TimeoutError):
            return ConnectionFailedError(f"no answer from {self.host} in time ({cause})")
        return ConnectionFailedError(f"the answer of {self.host} could not be read ({cause})")

    def without_secrets(self, error: GraphError, token: AccessToken | None, form: Mapping[str, str]) -> GraphError:
        """Return the error without secrets: Meta's message may repeat what it was sent."""
        secrets = secrets_of(token, self._app_secret, form)
        error.args, error.reason = (without(str(error), secrets),), without(error.reason, secrets)
        return error

    def _admitted(self, charged: tuple[Charge, ...], operations: int, context: CallContext) -> Admission | None:
        if self._budget is None:
            return None
        return self._budget.admit(charged, operations=operations, purpose=context.purpose)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = Session(self._graph_url)
            adapter = self._adapter or DeadlineAdapter(deadline_s=CALL_DEADLINE_S, clock=self._clock)
            self._local.session.mount(self._graph_url, adapter)
            self._local.session.mount(self._upload_url, adapter)
        session: requests.Session = self._local.session
        return session


def upload_url_of(graph_url: str) -> str:
    """Return the URL of the upload host: Meta's own for Meta's Graph, otherwise `graph_url`."""
    return UPLOAD_URL if graph_url == META_URL else graph_url


def _answered(event: AuditEvent, status: int, answer: Answer) -> AuditEvent:
    """Return the audit event of a call that has a response."""
    error, headers = answer.error, answer.headers
    return dataclasses.replace(
        event, status=status, code=error.code if error else None, subcode=error.subcode if error else None,
        fbtrace_id=answer.trace_id, fb_rev=headers.get("x-fb-rev"),
        version=headers.get("facebook-api-version", event.version), usage=answer.usage,
        warning=headers.get("x-ad-api-version-warning"), rows=answer.rows,
    )
