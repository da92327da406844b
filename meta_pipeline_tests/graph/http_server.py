"""An HTTP server that sends the responses that a test sets, and a client of it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import AccessToken

TOKEN = AccessToken(kind="user", value="EAABsecrettokenvalue")
SECRET = "app-secret-value"


class Server:
    """A server that sends the responses that a test sets, in order, and repeats the last one."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                status, headers, answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                for name, value in {"content-length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _serve

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def say(self, *bodies: Any, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers = [
            (status, named, body if isinstance(body, bytes) else json.dumps(body).encode()) for body in bodies
        ]


class Client(GraphClient):
    """A client that records its pauses and audit events."""

    def __init__(self, url: str, **more: Any) -> None:
        self.pauses: list[float] = []
        self.events: list[AuditEvent] = []
        super().__init__(
            graph_url=url, app_id="1", app_secret=SECRET, graph_version="v24.0", marketing_version="v26.0",
            audit=self.events.append, sleep=self.pauses.append, **more,
        )
