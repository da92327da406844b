"""Refuse requests that other web pages send to the Dagster UI.

Dagster runs a mutation from any request that reaches it, even a GET with the query in the URL, and any page can make a
browser send such a request.

The rules are pure; `Guard` is the ASGI middleware that applies them to HTTP and WebSocket."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from meta_pipeline.settings import is_loopback

SAFE_METHODS = frozenset({"GET", "HEAD"})
# The UI names the operation in the URL of its POST requests. Dagster ignores it.
UI_PARAMETERS = frozenset({"op"})
# The headers that the rules depend on must not be ambiguous.
SINGLE_HEADERS = ("host", "origin", "content-type", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
# A page that frames the UI could make a person click in it.
RESPONSE_HEADERS = {
    "x-frame-options": "DENY",
    "content-security-policy": "frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status and the reason of a refused request."""

    status: int
    reason: str


def refusal(scope: Mapping[str, Any], *, allowed_hosts: Collection[str] = ()) -> Refusal | None:
    """Return why an ASGI HTTP or WebSocket scope is refused, or None when it may pass."""
    headers = Headers(raw=list(scope["headers"]))
    if any(len(headers.getlist(name)) > 1 for name in SINGLE_HEADERS):
        return Refusal(400, "a header that may be sent once was sent twice")
    host = headers.get("host", "")
    if not _is_allowed(host, allowed_hosts):
        return Refusal(400, "the Host header is not an address of this service (DNS rebinding)")
    method = "GET" if scope["type"] == "websocket" else scope["method"]
    is_graphql = scope["path"].rstrip("/").endswith("/graphql")
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        return Refusal(403, "the request comes from a page of another origin")
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        is_link = scope["type"] == "http" and method in SAFE_METHODS and not is_graphql and (
            headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        ) == ("navigate", "document")
        if not is_link:
            return Refusal(403, "the request comes from another site")
    if scope["type"] == "websocket":
        return None
    if method not in SAFE_METHODS:
        return _refusal_of_write(method, scope, headers)
    if is_graphql and "text/html" not in headers.get("accept", ""):
        return Refusal(405, "GraphQL is answered to POST requests only")
    return None


def _refusal_of_write(method: str, scope: Mapping[str, Any], headers: Headers) -> Refusal | None:
    if method != "POST":
        return Refusal(405, f"{method} is not used by the Dagster UI")
    # Anything else is a "simple request", which a browser sends for any page without a preflight.
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "a POST request must be application/json")
    parameters = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
    if not parameters <= UI_PARAMETERS:
        return Refusal(400, "a POST request must have its query in the body, not in the URL")
    return None


def _is_allowed(host: str, allowed: Collection[str]) -> bool:
    """Return whether a Host header names this machine or an allowed host, whatever its port."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and (is_loopback(name) or name in {host.lower() for host in allowed})


class Guard:
    """ASGI middleware that answers refused requests, passes on all others, and forbids other pages to frame the UI."""

    def __init__(self, app: Any, *, allowed_hosts: Collection[str] = ()) -> None:
        self._app, self._allowed_hosts = app, allowed_hosts

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):  # lifespan
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in RESPONSE_HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        refused = refusal(scope, allowed_hosts=self._allowed_hosts)
        if refused is None:
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        else:
            response = PlainTextResponse(f"Refused: {refused.reason}.\n", refused.status)
            await response(scope, receive, send_with_headers)
