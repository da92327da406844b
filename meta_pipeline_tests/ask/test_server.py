"""The server through the SDK's own client: in this process, and as a child process over standard input and output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, TextContent

from meta_pipeline.ask.metrics import load_metrics
from meta_pipeline.ask.server import Questions, server_of
from meta_pipeline.ask.tools import TOOLS
from meta_pipeline_tests.fakes.explained_marts import publish_explained
from meta_pipeline_tests.fakes.published_marts import LAST

EXPLAINED = {"mart": "facebook_ads__ad_report", "metric": "spend", "account_id": "1", "date_day": LAST}
# Every tool, with answers and refusals.
CALLS: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("list_marts", {}, True),
    ("describe", {"mart": "facebook_ads__ad_report"}, True),
    ("query_metric", {"metric": "roas", "by": ["account"], "grain": "month"}, True),
    ("query_metric", {"metric": "reach"}, False),
    ("query_metric", {"metric": 7}, False),
    ("sql", {"query": "select * from marts.facebook_ads__ad_report", "limit": 5}, True),
    ("sql", {"query": "select timestamptz '2026-11-27 05:00:00+00', interval 1 day, uuid(), [1.5], {'a': 1}"}, True),
    ("sql", {"query": "select * from read_text('/etc/passwd')"}, False),
    ("explain_number", EXPLAINED, True),
    ("nothing", {}, False),
)
# Records what Python opens, connects to or starts once the server reads its input.
AUDITED = """
import contextlib, sys
from meta_pipeline.ask import server

events, is_serving = open(sys.argv[2], "w", buffering=1), False
watched = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.listdir", "os.scandir")

def audit(event, arguments):
    if is_serving and (event == "open" or event.startswith(watched)):
        events.write(f"{event} {arguments[:1]!r}\\n")

@contextlib.asynccontextmanager
async def announced():
    global is_serving
    async with stdio() as streams:
        is_serving = True
        yield streams
        is_serving = False

stdio, server.stdio_server = server.stdio_server, announced
sys.addaudithook(audit)
server.serve(sys.argv[1])
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    return publish_explained(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def call_all(client: Client) -> None:
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(listed) == set(TOOLS)
    for tool in listed.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
    for name, arguments, is_answered in CALLS:
        result = await client.call_tool(name, arguments)
        assert result.is_error is not is_answered, text_of(result)
        if is_answered:
            answer = json.loads(text_of(result))
            assert {"built_at", "covers_until", "provisional", "reconciled", "notice"} <= set(answer)
            assert result.structured_content == answer
        else:
            assert "\n" not in text_of(result)


def test_a_client_lists_and_calls_the_tools(published: str) -> None:
    async def talk() -> None:
        async with Client(server_of(Questions(published, load_metrics()))) as client:
            await call_all(client)

    anyio.run(talk)


def test_the_server_opens_no_socket_and_no_file_while_it_answers(published: str, tmp_path: Path) -> None:
    """Check that Python opens nothing: DuckDB opens the published file, and can open no other."""
    events = tmp_path / "events"
    child = StdioServerParameters(
        command=sys.executable, args=["-c", AUDITED, published, str(events)], env=dict(os.environ), cwd=tmp_path
    )

    async def talk() -> None:
        async with Client(child) as client:
            await call_all(client)

    anyio.run(talk)
    assert events.read_text() == ""


def started(published: str, home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("META_PIPELINE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "mcp", *arguments], text=True, cwd=home,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment | {"META_PIPELINE_HOME": str(home), "META_PIPELINE_PUBLISH_URL": str(Path(published).parent)},
    )


HELLO = json.dumps({
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
})


def test_the_command_ends_when_its_input_does(published: str, tmp_path: Path) -> None:
    out, err = started(published, tmp_path).communicate(HELLO + "\n", timeout=120)

    assert [json.loads(line)["result"]["serverInfo"]["name"] for line in out.splitlines()] == ["meta-pipeline"]
    assert err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_at_once(published: str, tmp_path: Path, number: signal.Signals) -> None:
    command = started(published, tmp_path)
    assert command.stdin is not None
    assert command.stdout is not None
    command.stdin.write(HELLO + "\n")
    command.stdin.flush()
    command.stdout.readline()
    command.send_signal(number)
    _, err = command.communicate(timeout=60)

    assert (command.returncode, err) == (128 + number, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "nothing is published yet"), (("--tenant", "north"), "there are no tenants"), (("extra",), "unexpected extra argument")],
)
def test_a_command_that_cannot_serve_says_why(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    command = started(str(tmp_path / "none.duckdb"), tmp_path, *arguments)
    out, err = command.communicate(timeout=120)

    assert command.returncode != 0
    assert (out, sentence in err, "Traceback" in err) == ("", True, False)
