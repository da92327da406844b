"""A browser without a network: it calls an ASGI app, and keeps cookies as a browser does."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode


@dataclass
class Answer:
    """A response of the app."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


@dataclass
class Browser:
    """One browser; `loop` is shared, so that a thousand calls don't need a thousand threads."""

    app: Any
    host: str = "localhost"
    address: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.loop.close)

    def get(self, target: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Answer:
        return self.send("GET", target, b"", headers)

    def post(self, target: str, form: dict[str, str], headers: Iterable[tuple[bytes, bytes]] = ()) -> Answer:
        kind = (b"content-type", b"application/x-www-form-urlencoded")
        return self.send("POST", target, urlencode(form).encode(), [kind, *headers])

    def send(self, method: str, target: str, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Answer:
        path, _, query = target.partition("?")
        return self.loop.run_until_complete(self._send(method, path, query.encode("latin-1", "replace"), body, headers))

    async def _send(
        self, method: str, path: str, query: bytes, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> Answer:
        sent: list[dict[str, Any]] = []
        sent_headers = [(name.lower(), value) for name, value in headers]
        if not any(name == b"host" for name, _ in sent_headers):
            sent_headers.append((b"host", self.host.encode()))
        if self.cookies and not any(name == b"cookie" for name, _ in sent_headers):
            sent_headers.append((b"cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()).encode()))
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
            "method": method, "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query, "headers": sent_headers,
            "client": (self.address, 1), "server": ("127.0.0.1", 8600), "state": {},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        received_headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]
        ]
        for name, value in received_headers:
            if name == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    if morsel["max-age"] == "0":
                        self.cookies.pop(key, None)
                    else:
                        self.cookies[key] = morsel.value
        text = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        return Answer(start["status"], received_headers, text.decode("utf-8", "replace"))
