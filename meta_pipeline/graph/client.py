"""The gateway: the one file with `requests`. Every call to Graph is made here, audited, and its trouble named."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.errors import GraphError, TransientError
from meta_pipeline.graph.request import Surface, appsecret_proof, encoded
from meta_pipeline.graph.response import GraphResponse, decipher, page_of, trace_of
from meta_pipeline.graph.usage import usage_of
from meta_pipeline.records import AccessToken, Batch, ConfigError

TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0


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
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 120.0,
    ) -> None:
        if not graph_url.startswith(("http://", "https://")):
            raise ConfigError(f"META_PIPELINE_GRAPH_URL must start with http:// or https://, not {graph_url!r}")
        self.graph_url = graph_url.rstrip("/")
        self.app_id = app_id
        self.marketing_version = marketing_version
        self.now = now
        self._app_secret = app_secret
        self._versions: dict[Surface, str] = {"graph": graph_version, "marketing": marketing_version}
        self._audit = audit
        self._sleep = sleep
        self._timeout = (connect_timeout_s, read_timeout_s)
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"GraphClient({self.graph_url}, {self._versions})"

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: AccessToken | None,
        surface: Surface = "graph",
    ) -> GraphResponse:
        """A node or an edge. Trouble that passes is retried a few times."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._send("GET", path, params or {}, token=token, surface=surface)
            except TransientError:
                if attempt == TRIES:
                    raise
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
                self._sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")

    def post(
        self, path: str, params: Mapping[str, Any], *, token: AccessToken | None, surface: Surface
    ) -> GraphResponse:
        """A POST, sent once: there are no idempotency keys, so an unknown outcome is never repeated blindly."""
        return self._send("POST", path, params, token=token, surface=surface)

    def batches(
        self, path: str, params: Mapping[str, Any] | None = None, *, token: AccessToken | None, surface: Surface
    ) -> Iterator[Batch]:
        """Every page of an edge, lazily. A page may be short or empty while more follow: only a missing
        `paging.next` ends it. `next` holds the token, so the request is built anew from the cursor."""
        request = dict(params or {})
        while True:
            answer = self.get(path, request, token=token, surface=surface)
            page = page_of(answer.body, trace_id=answer.trace_id)
            yield Batch(tuple(bytes(raw) for raw in page.data), answer.trace_id, answer.version, answer.fetched_at)
            if (after := page.after) is None:
                return
            request["after"] = after

    def oauth(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One of the calls whose query Meta wants to hold a secret (graph-api.md §4.1): sent once, query never kept."""
        data = self._send("GET", path, params, token=None, surface="graph").data
        if not isinstance(data, dict):
            raise TransientError("the answer is no object")
        return data

    def _send(
        self, method: str, path: str, params: Mapping[str, Any], *, token: AccessToken | None, surface: Surface
    ) -> GraphResponse:
        form = encoded(params)
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
            if self._app_secret:
                form["appsecret_proof"] = appsecret_proof(token.value, self._app_secret)
        version = self._versions[surface]
        started, at = time.monotonic(), self.now()
        trouble: TransientError | None = None
        try:
            answer = self._session.request(
                method,
                f"{self.graph_url}/{version}/{path.lstrip('/')}",
                params=form if method == "GET" else None,
                data=form if method == "POST" else None,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.Timeout:
            trouble = TransientError(f"no answer from {self.graph_url} in time")
        except requests.RequestException as exception:
            # The text of this exception holds the URL with its query: only its kind may leave here.
            trouble = TransientError(f"no connection to {self.graph_url} ({type(exception).__name__})")
        if trouble is not None:
            self._audit(AuditEvent(at, method, f"/{version}/{path}", time.monotonic() - started))
            raise trouble
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        data, error = decipher(answer.status_code, lowered, answer.content)
        used = lowered.get("facebook-api-version", version)
        trace_id = trace_of(lowered, data)
        self._audit(
            AuditEvent(
                at, method, f"/{version}/{path}", time.monotonic() - started, answer.status_code,
                error.code if error else None, error.subcode if error else None, trace_id,
                lowered.get("x-fb-rev"), used, usage_of(lowered),
            )
        )
        if error is not None:
            raise self._without_secrets(error, token, form)
        return GraphResponse(answer.content, data, trace_id, used, self.now())

    def _without_secrets(self, error: GraphError, token: AccessToken | None, form: Mapping[str, str]) -> GraphError:
        """Meta's own message may repeat what it was sent."""
        text = str(error)
        secrets = [token.value if token else None, self._app_secret]
        secrets += [form.get(name) for name in SECRET_PARAMETERS]
        for secret in secrets:
            if secret:
                text = text.replace(secret, "…")
        error.args = (text,)
        return error

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


SECRET_PARAMETERS = (
    "client_secret", "code", "fb_exchange_token", "input_token", "access_token", "appsecret_proof", "revoke_token",
)
