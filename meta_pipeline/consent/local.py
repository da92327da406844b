"""Consent from a terminal: a loopback listener receives the dialog's redirect and never logs it: it has the code."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from meta_pipeline.consent.state import ConsentError

CALLBACK = "/oauth/callback"


class Listener:
    """A loopback server that waits for the dialog's redirect."""

    def __init__(self, port: int = 0) -> None:
        self._redirects: queue.Queue[dict[str, str]] = queue.Queue()
        redirects = self._redirects

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                split = urlsplit(self.path)
                if split.path != CALLBACK:
                    self.send_error(404)
                    return
                redirects.put({name: values[0] for name, values in parse_qs(split.query).items()})
                page = b"<!doctype html><title>Meta Pipeline</title><p>Done. You can close this page.</p>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing: the request line holds the code."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.redirect_uri = f"http://localhost:{self._server.server_port}{CALLBACK}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, *, timeout_s: float) -> dict[str, str]:
        """Return the parameters of the dialog's redirect; raise ConsentError when none came in time."""
        try:
            return self._redirects.get(timeout=timeout_s)
        except queue.Empty:
            raise ConsentError(
                "timeout", f"nobody answered the login dialog within {timeout_s:.0f} s: start again"
            ) from None


# The errors of RFC 6749 §4.1.2.1 in our words. The redirect's own text is not shown: anybody can forge a redirect.
REFUSALS = {
    "access_denied": "consent was not given (access_denied)",
    "invalid_request": "Meta called the request invalid (invalid_request): check META_PIPELINE_PUBLIC_URL",
    "unauthorized_client": "Meta does not let this app ask for consent (unauthorized_client): check the app's settings",
    "unsupported_response_type": "Meta does not support this kind of login (unsupported_response_type)",
    "invalid_scope": "Meta does not know a permission that was requested (invalid_scope)",
    "server_error": "Meta had an internal error (server_error): try again later",
    "temporarily_unavailable": "Meta is overloaded (temporarily_unavailable): try again later",
}


def code_of(params: dict[str, str]) -> str:
    """Return the code of a redirect; raise ConsentError with the reason of RFC 6749 when there is none."""
    if "error" in params:
        reason = params["error"] if params["error"] in REFUSALS else "server_error"
        sentence = REFUSALS.get(params["error"], "Meta ended the login without consent")
        raise ConsentError(reason, f"{sentence}; nothing was stored")
    if not params.get("code"):
        raise ConsentError("invalid_request", "the redirect of the login dialog has no code: start again")
    return params["code"]


def authorize(
    url_for: Callable[[str], str], *, opener: Callable[[str], None], timeout_s: float, port: int = 0
) -> tuple[dict[str, str], str]:
    """Open the dialog at `url_for(redirect_uri)`; return the parameters of its redirect, and the redirect URI."""
    with Listener(port) as listener:
        opener(url_for(listener.redirect_uri))
        return listener.answer(timeout_s=timeout_s), listener.redirect_uri
