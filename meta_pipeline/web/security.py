"""Who is asking: the browser's own secret, the operator's sign-in, forms that are ours, hosts that are meant.

Forms and known devices are signed with the app's secret and sessions are rows of the control store, so that a restart
or a second process changes nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.consent.signing import is_same, mac
from meta_pipeline.store import sessions
from meta_pipeline.web.attempts import SLOW_S, Attempts, network_of

SESSION_LIFE, DEVICE_LIFE = dt.timedelta(hours=12), dt.timedelta(days=90)
MOST_HEADERS = 100

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
    """Recognises browsers and operators. With `password` None only this machine reaches the server, and everybody is
    an operator. `engine` opens the control store; `sleep` slows down wrong passwords."""

    key: str = field(repr=False)
    password: str | None = field(repr=False)
    is_https: bool
    now: Callable[[], dt.datetime]
    engine: Callable[[], sa.Engine]
    sleep: Callable[[float], Awaitable[None]]
    attempts: Attempts = field(default_factory=Attempts)

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
        """Return whether this is an operator."""
        if self.password is None:
            return True
        session = request.cookies.get(f"{self._prefix}meta_pipeline_session")
        return session is not None and sessions.is_open(
            self.engine(), _digest(session), password_mac=self._password_mac, now=self.now()
        )

    def sign_in(self, response: Response) -> None:
        """Start a session of half a day, and know this device the next time."""
        session, now = secrets.token_urlsafe(32), self.now()
        sessions.start(
            self.engine(), _digest(session), password_mac=self._password_mac, now=now, ends_at=now + SESSION_LIFE
        )
        self._set(response, "meta_pipeline_session", session)
        device = secrets.token_urlsafe(16)
        signature = self._mac("device", f"{device} {self.password}")
        self._set(response, "meta_pipeline_device", f"{device}.{signature}", life=DEVICE_LIFE)

    def sign_out(self, request: Request, response: Response) -> None:
        """End this session in the store and in the browser; other sessions stay open."""
        name = f"{self._prefix}meta_pipeline_session"
        if session := request.cookies.get(name):
            sessions.end(self.engine(), _digest(session))
        response.delete_cookie(name, secure=self.is_https, httponly=True)

    async def slow_down(self, request: Request) -> None:
        """Wait before a password is compared when its sender had too many wrong ones; HTTP 429 when too many wait.

        A wrong password never blocks the right one: it makes only its own sender slow."""
        with self.attempts.waiting(self._sender(request), now=self.now()) as must_wait:
            if must_wait is None:
                raise HTTPException(429, "Too many wrong passwords are being tried. Wait a minute, then sign in.")
            if must_wait:
                await self.sleep(SLOW_S)

    def is_password(self, request: Request, text: str) -> bool:
        """Return whether it is the operator's password; a wrong one counts against its sender."""
        if self.password is not None and is_same(self.password, text):
            self.attempts.forgive(self._sender(request))
            return True
        return False

    def _sender(self, request: Request) -> str:
        """A device that has signed in before, or the network of an address."""
        device, _, signature = request.cookies.get(f"{self._prefix}meta_pipeline_device", "").partition(".")
        if device and is_same(self._mac("device", f"{device} {self.password}"), signature):
            return f"device {device}"
        return network_of(request.client.host if request.client else "")

    @property
    def _password_mac(self) -> str:
        """Stands for the password: a new password ends every session."""
        return self._mac("session", self.password or "")

    def _set(self, response: Response, name: str, value: str, *, life: dt.timedelta | None = None) -> None:
        # Lax, not strict: Meta's redirect back to us must bring it.
        response.set_cookie(
            f"{self._prefix}{name}", value, httponly=True, samesite="lax", secure=self.is_https, path="/",
            max_age=int(life.total_seconds()) if life else None,
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

        if len(scope["headers"]) > MOST_HEADERS:
            await Response("Too many headers.", 431)(scope, receive, sent)
            return
        # A page of somebody else that points its name at this address (DNS rebinding) stops here.
        if host_of(scope) not in self._hosts:
            await Response("This is not the address of this service.", 400)(scope, receive, sent)
            return
        await self._app(scope, receive, sent)


def host_of(scope: MutableMapping[str, Any]) -> str:
    """The host a request was meant for, without its port."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode("utf-8", "surrogateescape")).hexdigest()
