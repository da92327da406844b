"""No other web page drives the Dagster UI: Dagster's own app behind the guard, with requests as browsers send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from meta_pipeline.defs.ui.guard import refusal
from meta_pipeline.defs.ui.server import guarded_app

POOL = "duckdb_writer"
MUTATION = f'mutation {{ setConcurrencyLimit(concurrencyKey: "{POOL}", limit: 0) }}'
HERE, SOCKET = "http://127.0.0.1:3000", "ws://127.0.0.1:3000/graphql"
FOREIGN = {"origin": "http://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(instance: dg.DagsterInstance) -> Iterator[TestClient]:
    with WorkspaceProcessContext(instance, workspace_load_target=EmptyWorkspaceTarget(), version="") as context:
        app: Any = guarded_app(context, allowed_hosts=["dagster.example.com"])
        yield TestClient(app, base_url=HERE)


def limits(instance: dg.DagsterInstance) -> dict[str, int]:
    return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


@pytest.mark.parametrize("headers", [{}, FOREIGN, {"origin": HERE, "sec-fetch-site": "same-origin"}])
def test_a_mutation_by_get_is_refused_from_any_origin(
    client: TestClient, instance: dg.DagsterInstance, headers: dict[str, str]
) -> None:
    answer = client.get("/graphql", params={"query": MUTATION}, headers=headers)

    assert answer.status_code in (403, 405), answer.text
    assert POOL not in limits(instance)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                                          "application/graphql", "text/plain; application/json", ""])
def test_a_mutation_in_the_url_of_a_post_or_in_a_simple_body_is_refused(
    client: TestClient, instance: dg.DagsterInstance, content_type: str
) -> None:
    headers = {"content-type": content_type}
    in_url = client.post("/graphql", params={"query": MUTATION}, headers=headers)
    in_body = client.post("/graphql", content=json.dumps({"query": MUTATION}), headers=headers)

    assert [in_url.status_code, in_body.status_code] == [415, 415]
    assert POOL not in limits(instance)


@pytest.mark.parametrize("headers", [
    FOREIGN,
    {"origin": "null"},
    {"origin": "http://127.0.0.1:3001"},  # another port is another origin
    {"origin": "http://localhost:3000"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example:3000"},  # DNS rebinding
    {"host": "evil.example:3000", "origin": "http://evil.example:3000"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "[::1"},
    {"host": ""},
])
def test_json_of_another_page_or_for_another_host_is_refused(
    client: TestClient, instance: dg.DagsterInstance, headers: dict[str, str]
) -> None:
    answer = client.post("/graphql", json={"query": MUTATION}, headers=headers)

    assert answer.status_code in (400, 403), answer.text
    assert POOL not in limits(instance)


def test_a_request_with_a_rebound_host_reads_nothing(client: TestClient) -> None:
    for path in ("/", "/server_info", "/graphql", "/runs"):
        answer = client.get(path, headers={"host": "evil.example", "accept": "text/html"})
        assert answer.status_code == 400 and "DNS rebinding" in answer.text


@pytest.mark.parametrize("path", ["report_asset_materialization/a", "report_asset_check/a", "report_asset_observation/a"])
def test_no_form_of_another_page_reports_a_materialization(client: TestClient, path: str) -> None:
    assert client.post(f"/{path}", params={"partition": "x"}).status_code == 415
    assert client.post(f"/{path}", params={"partition": "x"}, headers=JSON, content="{}").status_code == 400


def test_a_preflight_is_not_answered(client: TestClient) -> None:
    preflight = {"origin": "http://evil.example", "access-control-request-method": "POST"}

    answer = client.options("/graphql", headers=preflight)

    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("headers", [
    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:3000"},
    {"sec-fetch-site": "cross-site"}, {"host": "evil.example"},
])
def test_a_websocket_of_another_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(SOCKET, ["graphql-ws"], headers=headers):
        pass

    assert refused.value.reason


@pytest.mark.parametrize("fetch", [("cors", "empty"), ("no-cors", "image"), ("navigate", "iframe")])
def test_another_site_embeds_no_page_of_the_ui(client: TestClient, fetch: tuple[str, str]) -> None:
    mode, destination = fetch
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode, "sec-fetch-dest": destination}

    assert client.get("/runs", headers=headers).status_code == 403


def test_the_ui_itself_works(client: TestClient, instance: dg.DagsterInstance) -> None:
    own = {"origin": HERE, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

    page = client.get("/runs", headers={**link, "accept": "text/html"})
    assert page.status_code == 200 and page.headers["x-frame-options"] == "DENY"
    assert client.get("/graphql", headers={"accept": "text/html", "sec-fetch-site": "none"}).status_code == 200
    with client.websocket_connect(SOCKET, ["graphql-ws"], headers={"origin": HERE}) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
    body = {"operationName": "Set", "query": MUTATION.replace("mutation", "mutation Set").replace("limit: 0", "limit: 1")}
    answer = client.post("/graphql?op=Set", json=body, headers=own)
    assert answer.json() == {"data": {"setConcurrencyLimit": True}} and limits(instance)[POOL] == 1
    instance.event_log_storage.delete_concurrency_limit(POOL)  # the other tests share this instance


def test_an_allowed_host_and_every_name_of_this_machine_pass(client: TestClient) -> None:
    for host in ("localhost:3000", "127.0.0.1", "[::1]:3000", "Dagster.Example.com"):
        answer = client.post("/graphql", json={"query": "{ version }"}, headers={"host": host, "origin": f"http://{host}"})
        assert answer.status_code == 200, answer.text


def test_a_request_with_two_host_headers_is_refused() -> None:
    headers = [(b"host", b"127.0.0.1:3000"), (b"host", b"evil.example")]

    refused = refusal({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})

    assert refused and refused.status == 400


def test_dagsters_own_app_runs_what_the_guard_refuses(tmp_path: Path) -> None:
    """Show why the guard is needed: when Dagster itself refuses this request, the guard can be removed."""
    from dagster_webserver.app import create_app_from_workspace_process_context

    with dg.DagsterInstance.local_temp(str(tmp_path)) as opened, WorkspaceProcessContext(
        opened, workspace_load_target=EmptyWorkspaceTarget(), version=""
    ) as context:
        bare = TestClient(create_app_from_workspace_process_context(context), base_url=HERE)
        answer = bare.get("/graphql", params={"query": MUTATION}, headers=FOREIGN)

        assert answer.json() == {"data": {"setConcurrencyLimit": True}} and limits(opened)[POOL] == 0
