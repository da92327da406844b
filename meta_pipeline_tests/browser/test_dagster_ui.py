"""In a real browser, no page of another origin drives the Dagster UI, and the UI itself works behind its guard."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from playwright.sync_api import Page, expect

from harness.home import free_port
from meta_pipeline.defs.ui.server import guarded_app

POOL = "duckdb_writer"
# Every way in which a page can send a request to another origin. Each ends before the next begins.
ATTACK = """
async (url) => {
  const mutation = 'mutation{setConcurrencyLimit(concurrencyKey:"duckdb_writer",limit:0)}';
  const target = `${url}/graphql?query=${encodeURIComponent(mutation)}`;
  const results = {};
  const attempt = async (name, options, to = target) => {
    try { const answer = await fetch(to, options); results[name] = answer.type === "opaque" ? "opaque" : answer.status; }
    catch (error) { results[name] = "refused"; }
  };
  await attempt("get", { mode: "no-cors" });
  await attempt("post", { mode: "no-cors", method: "POST", headers: { "content-type": "text/plain" }, body: "" });
  await attempt("json", { method: "POST", headers: { "content-type": "application/json" },
                       body: JSON.stringify({ query: mutation }) }, `${url}/graphql`);
  await attempt("read", {}, `${url}/server_info`);
  await new Promise((done) => { const image = new Image(); image.onload = image.onerror = done; image.src = target; });
  await new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = "frame"; frame.onload = done; document.body.append(frame);
  });
  await new Promise((done) => {
    const form = document.createElement("form");
    form.method = "POST"; form.action = target; form.target = "frame";
    frames[0].frameElement.onload = done; document.body.append(form); form.submit();
  });
  results.socket = await new Promise((done) => {
    const socket = new WebSocket(url.replace("http", "ws") + "/graphql", "graphql-ws");
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  });
  return results;
}
"""
OWN_REQUESTS = """
async () => {
  const query = 'mutation{setConcurrencyLimit(concurrencyKey:"duckdb_writer",limit:3)}';
  const answer = await fetch("/graphql?op=Set", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  const socket = await new Promise((done) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/graphql", "graphql-ws");
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  });
  return [answer.status, socket];
}
"""


class _Blank(http.server.BaseHTTPRequestHandler):
    """A page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><body>evil")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def other_port() -> Iterator[int]:
    """Yield the port of another web server on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as opened:
        yield opened


@pytest.fixture
def ui(instance: dg.DagsterInstance) -> Iterator[str]:
    port = free_port()
    with WorkspaceProcessContext(instance, workspace_load_target=EmptyWorkspaceTarget(), version="") as context:
        app: Any = guarded_app(context)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        with contextlib.suppress(RuntimeError):
            thread.join(timeout=30)


def limits(instance: dg.DagsterInstance) -> dict[str, int]:
    return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


def test_no_other_page_drives_the_ui_and_the_ui_works(
    page: Page, ui: str, other_port: int, instance: dg.DagsterInstance
) -> None:
    for host in ("127.0.0.1", "localhost"):  # the same site on another port, and another site
        page.goto(f"http://{host}:{other_port}/")
        results = page.evaluate(ATTACK, ui)
        assert results["socket"] == results["json"] == results["read"] == "refused", results
        assert POOL not in limits(instance)

    page.goto(f"{ui}/runs")
    expect(page.get_by_role("link", name="Runs").first).to_be_visible(timeout=60_000)
    assert page.evaluate(OWN_REQUESTS) == [200, "open"]
    assert limits(instance)[POOL] == 3
