"""Authentication of requests: the browser's secret, the sessions of people, the forms of our pages, the hosts that are
accepted.

Forms, devices and sessions are signed with the app's secret, and sessions are rows of the control store, so that they
stay valid after a restart and in a second process."""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.consent.sign_in_link import person_digest
from meta_pipeline.consent.signing import as_bytes, digest_of, is_same, serializer, timed_serializer
from meta_pipeline.intake.intake import Person
from meta_pipeline.store.people import sessions
from meta_pipeline.web.access.attempts import SLOW_S, Attempts, network_of
from meta_pipeline.web.access.visitors import STRANGER, People, Visitor

SESSION_LIFE, DEVICE_LIFE = dt.timedelta(hours=12), dt.timedelta(days=90)
MOST_HEADERS = 100
BROWSER, SESSION, DEVICE = "meta_pipeline_browser", "meta_pipeline_session", "meta_pipeline_device"
INVITATION, INVITATION_LIFE = "meta_pipeline_invitation", dt.timedelta(minutes=30)  # while Meta's dialog is open

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


@dataclass(kw_only=True)
class Guard:
    """Recognises browsers, operators and the people of the intake. Without a password and without people only this
    machine reaches the server, and everybody is an operator. `engine` opens the control store; `sleep` slows down wrong
    passwords."""

    key: str = field(repr=False)
    password: str | None = field(repr=False)
    people: People
    is_https: bool
    now: Callable[[], dt.datetime]
    engine: Callable[[], sa.Engine]
    sleep: Callable[[float], Awaitable[None]]
    attempts: Attempts = field(default_factory=Attempts)

    def browser_of(self, request: Request) -> str | None:
        """Return the secret of this browser; None when it has none yet."""
        return self._cookie(request, BROWSER) or None

    def remember(self, request: Request, response: Response) -> None:
        """Give the browser a secret if it has none."""
        if self.browser_of(request) is None:
            self._set(response, BROWSER, self.secret_for(request))

    def invitation_of(self, request: Request) -> str | None:
        """Return the link of the invitation from which this browser opened the dialog."""
        return self._cookie(request, INVITATION) or None

    def remember_invitation(self, response: Response, link: str) -> None:
        """Keep a link in its browser while the dialog is open, so that it is not sent to Meta."""
        self._set(response, INVITATION, link, life=INVITATION_LIFE)

    def secret_for(self, request: Request) -> str:
        """Return the browser's secret, or a new one if it has none yet; within one request it is the same."""
        if not hasattr(request.state, "browser"):
            request.state.browser = self.browser_of(request) or secrets.token_urlsafe(24)
        browser: str = request.state.browser
        return browser

    def form_token(self, request: Request) -> str:
        """Return the token that a form on our pages carries in this browser."""
        return serializer("form", key=self.key, bound_to=self.secret_for(request)).dumps("form")

    def is_our_form(self, request: Request, token: str) -> bool:
        """Return whether a form came from one of our pages in the same browser."""
        browser = self.browser_of(request)
        if browser is None or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        return _content(serializer("form", key=self.key, bound_to=browser).loads, token) is not None

    @property
    def is_guarded(self) -> bool:
        """Return whether anybody has to sign in."""
        return self.password is not None or self.people.current().has_people

    @property
    def accepts_password(self) -> bool:
        """Return whether operators can sign in with the password. They can't if the intake names operators."""
        return self.password is not None and not self.people.current().operators

    def visitor(self, request: Request) -> Visitor:
        """Return the sender of a request. A session is valid if we signed it, it is younger than 12 hours and was not
        ended, and it belongs to the current password or to a person whom the intake still names."""
        if not hasattr(request.state, "visitor"):
            request.state.visitor = self._visitor(request)
        visitor: Visitor = request.state.visitor
        return visitor

    def _visitor(self, request: Request) -> Visitor:
        if not self.is_guarded:
            return Visitor(is_operator=True)
        cookie = self._cookie(request, SESSION)
        for is_person in (False, True):
            serializer = self._session_serializer(is_person=is_person)
            if _content(functools.partial(serializer.loads, max_age=int(SESSION_LIFE.total_seconds())), cookie) is None:
                continue
            session = sessions.find_open(self.engine(), digest_of(cookie), now=self.now())
            if session is None or (session.person is not None) != is_person:
                return STRANGER
            if session.person is None:
                return Visitor(is_operator=self.accepts_password)
            person = self.person_of(session.person)
            return Visitor(is_operator=person.is_operator, person=person) if person is not None else STRANGER
        return STRANGER

    def person_of(self, digest: str) -> Person | None:
        """Return the person of the intake whom a digest represents."""
        for person in self.people.current().people():
            if is_same(person_digest(person.email, key=self.key), digest):
                return person
        return None

    def sign_in(self, response: Response, *, person: Person | None = None) -> None:
        """Start a session of 12 hours, for a person or for an operator with the password. Give the device a cookie, by
        which it is recognised at its next sign-in."""
        now = self.now()
        session = self._session_serializer(is_person=person is not None).dumps(secrets.token_urlsafe(32))
        digest = person_digest(person.email, key=self.key) if person is not None else None
        sessions.start(self.engine(), digest_of(session), person=digest, now=now, ends_at=now + SESSION_LIFE)
        self._set(response, SESSION, session)
        device = self._device_serializer().dumps(secrets.token_urlsafe(16))
        self._set(response, DEVICE, device, life=DEVICE_LIFE)

    def sign_out(self, request: Request, response: Response) -> None:
        """End this session in the store and in the browser; other sessions stay open."""
        if session := self._cookie(request, SESSION):
            sessions.end(self.engine(), digest_of(session))
        response.delete_cookie(f"{self._prefix}{SESSION}", secure=self.is_https, httponly=True)

    async def slow_down(self, request: Request) -> None:
        """Wait before a password is compared if its sender has sent too many wrong ones. Raise HTTP 429 if too many
        requests are waiting already.

        A wrong password never blocks the right one: it only slows down its own sender."""
        with self.attempts.waiting(self._sender(request), now=self.now()) as must_wait:
            if must_wait is None:
                raise HTTPException(429, "Too many wrong passwords are being tried. Wait a minute, then sign in.")
            if must_wait:
                await self.sleep(SLOW_S)

    def is_password(self, request: Request, text: str) -> bool:
        """Return whether a text is the operator's password; a wrong one counts against its sender."""
        if self.password is not None and is_same(self.password, text) and self.accepts_password:
            self.attempts.forgive(self._sender(request))
            return True
        return False

    def _sender(self, request: Request) -> str:
        """Return a device that has signed in before, or the network of the address."""
        device = _content(self._device_serializer().loads, self._cookie(request, DEVICE))
        if device is not None:
            return f"device {device}"
        return network_of(request.client.host if request.client else "")

    # A new password invalidates the sessions and devices of the previous one.
    def _session_serializer(self, *, is_person: bool) -> URLSafeTimedSerializer:
        purpose, bound_to = ("person's session", "") if is_person else ("session", self.password or "")
        return timed_serializer(purpose, key=self.key, now=self.now(), bound_to=bound_to)

    def _device_serializer(self) -> URLSafeSerializer:
        return serializer("device", key=self.key, bound_to=self.password or "")

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.is_https else ""

    def _cookie(self, request: Request, name: str) -> str:
        return request.cookies.get(f"{self._prefix}{name}", "")

    def _set(self, response: Response, name: str, value: str, *, life: dt.timedelta | None = None) -> None:
        # Lax, not strict: the browser must send it with Meta's redirect back to us.
        response.set_cookie(
            f"{self._prefix}{name}", value, httponly=True, samesite="lax", secure=self.is_https, path="/",
            max_age=int(life.total_seconds()) if life else None,
        )


def _content(load: Callable[[bytes], Any], text: str) -> Any:
    """Return the content of a signed text; None if `load` raises, because we did not sign it or it is too old."""
    try:
        return load(as_bytes(text))
    except BadData:
        return None


class Headers:
    """Middleware: refuse hosts that are not ours, and add the security headers to every response."""

    def __init__(self, app: Any, *, hosts: frozenset[str], is_https: bool) -> None:
        self._app, self._hosts = app, hosts
        headers = [*HEADERS.items(), *([HSTS] if is_https else [])]
        self._headers = [(name.encode(), value.encode()) for name, value in headers]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Handle one connection of the server (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()), *(pair for pair in self._headers if pair[0] not in present)
                ]
            await send(message)

        if len(scope["headers"]) > MOST_HEADERS:
            await Response("Too many headers.", 431)(scope, receive, send_with_headers)
            return
        # With both headers, a proxy in front could find another end of the body than we do (request smuggling).
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            response = Response("A request must state one length only.", 400, {"connection": "close"})
            await response(scope, receive, send_with_headers)
            return
        # Stops a foreign page whose host name resolves to this address (DNS rebinding).
        if host_of(scope) not in self._hosts:
            await Response("This is not the address of this service.", 400)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def host_of(scope: MutableMapping[str, Any]) -> str:
    """Return the host that a request was sent to, without its port."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
