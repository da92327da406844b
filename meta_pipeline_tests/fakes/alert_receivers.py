"""A mail server and a webhook that store the alerts they receive."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class OnSocket(Controller):
    """A mail server on a socket that is bound already: no port is guessed."""

    listener: socket.socket

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener)


class Mail:
    """A mail server that stores the mails it receives."""

    def __init__(self) -> None:
        self.received: list[email.message.EmailMessage] = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.controller = OnSocket(self, hostname="127.0.0.1", port=listener.getsockname()[1])
        self.controller.listener = listener
        self.url = f"smtp://127.0.0.1:{self.controller.port}/?from=etl@example.com&to=ops@example.com,boss@example.com"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Receiver:
    """A webhook that stores the messages it receives; it refuses them while `status` is not 200."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status == 200:
                    receiver.received.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/SECRET"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
