"""The server on a socket: no stranger can occupy it, exhaust its memory or make it write."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from harness.web.connections_page import Web
from meta_pipeline.web.server import Limits, server_for

SHORT = Limits(head_s=0.4, body_s=0.4, idle_s=1, head_bytes=8 * 1024)
GET = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n"


class Server:
    """A running server, with clients that send raw bytes."""

    def __init__(self, port: int) -> None:
        self.port = port

    def client(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def answer(self, request: bytes) -> bytes:
        """Return everything that the server sends until it closes the connection."""
        with self.client() as client:
            client.sendall(request)
            return drained(client)


def drained(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return received


@contextlib.contextmanager
def serving(web: Web, limits: Limits) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_for(web.app, limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Server(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.fixture
def server(web: Web) -> Iterator[Server]:
    with serving(web, SHORT) as server:
        yield server


def test_a_client_is_served_several_times_on_one_connection(server: Server) -> None:
    with server.client() as client:
        for _ in range(3):
            client.sendall(GET + b"\r\n")
            assert b"200 OK" in client.recv(65536)


@pytest.mark.parametrize("sent", [b"", b"GET /", GET, GET + b"x-slow: "], ids=["nothing", "line", "headers", "half"])
def test_a_connection_whose_head_does_not_end_is_closed(server: Server, sent: bytes) -> None:
    assert server.answer(sent) == b""


def test_a_head_that_arrives_slowly_gets_no_more_time(server: Server) -> None:
    stop = threading.Event()
    with server.client() as client:
        def drip() -> None:
            with contextlib.suppress(OSError):
                client.sendall(GET)
                while not stop.wait(0.05):
                    client.sendall(b"x: y\r\n")

        thread = threading.Thread(target=drip)
        thread.start()
        assert drained(client) == b""  # closed although bytes kept arriving
        stop.set()
        thread.join(30)


def test_a_body_that_does_not_arrive_ends_the_connection_silently(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /sign-out HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    with caplog.at_level(logging.DEBUG):
        assert b"200" not in server.answer(head + b"content-length: 1000\r\n\r\nform_token=")
        with server.client() as client:  # a client that hangs up in the middle
            client.sendall(head + b"content-length: 1000\r\n\r\nform_token=")
        assert b"200 OK" in server.answer(GET + b"connection: close\r\n\r\n")
    assert not [record for record in caplog.records if record.name.startswith(("meta_pipeline", "uvicorn"))
                and record.levelno >= logging.WARNING]


def test_an_idle_connection_is_closed(server: Server) -> None:
    assert server.answer(GET + b"\r\n").count(b"200 OK") == 1


@pytest.mark.parametrize("head", [
    b"x-large: " + b"a" * 100_000 + b"\r\n", b"".join(b"x-%d: a\r\n" % n for n in range(5000)),
    b"".join(b"x%d: a\r\n" % n for n in range(150)),
], ids=["one large header", "thousands of headers", "150 headers"])
def test_a_head_that_is_too_large_is_refused(server: Server, head: bytes) -> None:
    answer = server.answer(GET + head + b"connection: close\r\n\r\n")

    assert answer.startswith((b"HTTP/1.1 4", b"")) and b"200 OK" not in answer


def test_a_request_with_two_lengths_is_refused_and_what_follows_is_no_request(server: Server) -> None:
    lengths = b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = server.answer(b"POST /sign-in HTTP/1.1\r\nhost: localhost\r\n" + lengths + GET + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1") == 1


def test_waiting_connections_are_closed_for_new_requests(web: Web) -> None:
    with serving(web, Limits(head_s=600, connections=8)) as server, contextlib.ExitStack() as stack:
        held = []
        for _ in range(30):
            client = stack.enter_context(server.client())
            client.sendall(b"GET /")
            held.append(client)
        assert b"200 OK" in server.answer(GET + b"connection: close\r\n\r\n")
        assert drained(held[0]) == b""  # the oldest was closed, long before its timeout


def test_a_client_that_reads_nothing_does_not_stop_the_server(web: Web) -> None:
    with serving(web, Limits(read_s=0.2)) as server:
        with server.client() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.sendall((GET + b"\r\n") * 50)
        assert b"200 OK" in server.answer(GET + b"connection: close\r\n\r\n")
