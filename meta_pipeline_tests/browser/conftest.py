"""A real browser: Debian's chromium. Without it the tests are skipped; with SKIP_NOTHING set they fail."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from harness.sandbox import Sandbox
from harness.web.connections_page import make_web
from meta_pipeline.web.app import create_app
from meta_pipeline.web.server import server_for

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]


@pytest.fixture
def page() -> Iterator[Page]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        reason = "the browser tests need Debian's chromium: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("SKIP_NOTHING") else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser.new_page()
        browser.close()


@contextlib.contextmanager
def serving(path: Path, sandbox: Sandbox, operator_password: str | None = None) -> Iterator[str]:
    """Run a server that onboards without Dagster; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        server = server_for(create_app(make_web(path, sandbox, public_url=url, operator_password=operator_password).runtime))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.fixture
def address(tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    with serving(tmp_path, sandbox) as url:
        yield url
