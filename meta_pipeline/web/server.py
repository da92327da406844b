"""The HTTP server in front of the app. It limits heads, bodies, time and connections, without the help of a proxy.

A stranger can hold a connection only for as long as an honest client needs. When all connections are in use, the one
that has waited longest for its request is closed."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

_SPARE_FILES = 200  # descriptors that are left for the store, for Graph and for templates


@dataclass(frozen=True, slots=True)
class Limits:
    """`head_s`, `body_s`: how long a request's head and body may take to arrive; `read_s`: how long a client may leave
    its response unread; `idle_s`: how long a connection stays open without a request. `connections` None: as many as
    the process may open files, 800 at most."""

    head_bytes: int = 16 * 1024
    head_s: float = 10.0
    body_s: float = 20.0
    read_s: float = 30.0
    idle_s: int = 5
    connections: int | None = None

    @property
    def most_connections(self) -> int:
        """Return the highest number of connections that are open at once."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = 800 if files == resource.RLIM_INFINITY else max(8, min(800, files - _SPARE_FILES))
        return self.connections or allowed


class _Server(uvicorn.Server):
    """A server that calls `when_ready` when its app has started and requests are answered."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app and accept connections."""
        await super().startup(sockets=sockets)
        if self.started:
            self._when_ready()


def server_for(
    app: Any, limits: Limits | None = None, *, when_ready: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """Return a server for the app. It logs neither requests (a URL may hold a code) nor broken connections.
    `when_ready` is called once the app has started and requests are answered."""
    limits = limits or Limits()
    config = uvicorn.Config(
        app, http=_protocol(limits), ws="none", log_level="error", access_log=False, server_header=False,
        h11_max_incomplete_event_size=limits.head_bytes, timeout_keep_alive=limits.idle_s,
        limit_concurrency=limits.most_connections + 1, timeout_graceful_shutdown=5,
    )
    return _Server(config, when_ready)


def _protocol(limits: Limits) -> type[H11Protocol]:
    """Return uvicorn's protocol with deadlines and a limit on the number of connections."""
    # The connections whose request has not arrived completely, the oldest first.
    waiting: dict[asyncio.Protocol, None] = {}
    most = limits.most_connections
    seconds = {"head": limits.head_s, "body": limits.body_s}

    class Bounded(H11Protocol):
        _part: str | None = None
        _deadline: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch()
            if len(self.connections) > most:
                oldest = next(iter(waiting), self)
                oldest._break_off()  # type: ignore[attr-defined]

        def data_received(self, data: bytes) -> None:
            # h11 checks the size of a head only while it is incomplete, so data is passed on in pieces of that size.
            for start in range(0, len(data), limits.head_bytes):
                if self.transport.is_closing():
                    return
                super().data_received(data[start : start + limits.head_bytes])
                self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            waiting.pop(self, None)
            self._cancel()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(limits.read_s, self._break_off)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()

        def _watch(self) -> None:
            """Start the deadline of the part of a request that is arriving."""
            state = self.conn.their_state
            part = "head" if state is h11.IDLE else "body" if state is h11.SEND_BODY else None
            if part == self._part:
                return
            self._cancel()
            self._part = part
            waiting.pop(self, None)
            if part is not None:
                waiting[self] = None
                self._deadline = self.loop.call_later(seconds[part], self._break_off)

        def _cancel(self) -> None:
            for timer in (self._deadline, self._unread):
                if timer is not None:
                    timer.cancel()

        def _break_off(self) -> None:
            waiting.pop(self, None)
            self.connections.discard(self)  # now, not in a later turn of the loop: it counts against the limit
            self.transport.abort()

    return Bounded
