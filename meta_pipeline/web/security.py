"""Who is asking: the browser's own secret, the operator's sign-in, forms that are ours, hosts that are meant.

Everything is signed with the app's secret, so that a restart or a second process changes nothing."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.consent.signing import is_same, mac

SESSION_LIFE = dt.timedelta(hours=12)
TRIES, TRIES_WITHIN_S = 5, 60.0

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cache-control": "no-store",
}
HSTS = ("strict-transport-security", "max-age=31536000; includeSubDomains")


@dataclass
class Guard:
    """`password` None: nobody but this machine gets here, so nobody is asked."""

    key: str = field(repr=False)
    password: str | None = field(repr=False)
    is_https: bool
    now: Callable[[], dt.datetime]
    failures: deque[float] = field(default_factory=deque)

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.is_https else ""

    def browser_of(self, request: Request) -> str | None:
        """The secret of this browser, if it has one."""
        return request.cookies.get(f"{self._prefix}meta_pipeline_browser") or None

    def remember(self, request: Request, response: Response) -> None:
        """The browser has a secret from now on."""
        if self.browser_of(request) is None:
            self._set(response, "meta_pipeline_browser", self.secret_for(request))

    def secret_for(self, request: Request) -> str:
        """The browser's secret, a fresh one when it has none yet: the same within one request."""
        if not hasattr(request.state, "browser"):
            request.state.browser = self.browser_of(request) or secrets.token_urlsafe(24)
        browser: str = request.state.browser
        return browser

    def form_token(self, request: Request) -> str:
        """What a form of ours in this browser carries."""
        return self._mac("form", self.secret_for(request))

    def is_our_form(self, request: Request, token: str) -> bool:
        """Whether a form came from a page of ours in the same browser."""
        browser = self.browser_of(request)
        if browser is None or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        return is_same(self._mac("form", browser), token)

    def is_signed_in(self, request: Request) -> bool:
        """Whether this is an operator."""
        if self.password is None:
            return True
        until, _, told = request.cookies.get(f"{self._prefix}meta_pipeline_session", "").partition(".")
        return is_same(self._mac("session", f"{until} {self.password}"), told) and self.now().timestamp() < int(until)

    def sign_in(self, response: Response) -> None:
        """The browser is an operator's for half a day."""
        until = str(int((self.now() + SESSION_LIFE).timestamp()))
        self._set(response, "meta_pipeline_session", f"{until}.{self._mac('session', f'{until} {self.password}')}")

    def sign_out(self, response: Response) -> None:
        """It is not any more."""
        response.delete_cookie(f"{self._prefix}meta_pipeline_session", secure=self.is_https, httponly=True)

    def is_password(self, text: str) -> bool:
        """Whether it is the operator's password; a wrong one counts."""
        if self.password is not None and is_same(self.password, text):
            return True
        self.failures.append(self.now().timestamp())
        return False

    def has_tried_enough(self) -> bool:
        """Whether nobody may try a password for now."""
        while self.failures and self.failures[0] < self.now().timestamp() - TRIES_WITHIN_S:
            self.failures.popleft()
        return len(self.failures) >= TRIES

    def _set(self, response: Response, name: str, value: str) -> None:
        # Lax, not strict: Meta's redirect back to us must bring it.
        response.set_cookie(
            f"{self._prefix}{name}", value, httponly=True, samesite="lax", secure=self.is_https, path="/"
        )

    def _mac(self, what: str, text: str) -> str:
        return mac(what, text, key=self.key)


class Headers:
    """Middleware: a host that is not ours is refused, and every answer carries the security headers."""

    def __init__(self, app: Any, *, hosts: frozenset[str], is_https: bool) -> None:
        self._app, self._hosts = app, hosts
        told = [*HEADERS.items(), *([HSTS] if is_https else [])]
        self._headers = [(name.encode(), value.encode()) for name, value in told]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                had = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()), *(pair for pair in self._headers if pair[0] not in had)
                ]
            await send(message)

        # A page of somebody else that points its name at this address (DNS rebinding) stops here.
        if host_of(scope) not in self._hosts:
            await Response("This is not the address of this service.", 400)(scope, receive, sent)
            return
        await self._app(scope, receive, sent)


def host_of(scope: MutableMapping[str, Any]) -> str:
    """The host a request was meant for, without its port."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
