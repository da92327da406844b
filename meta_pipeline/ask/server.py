"""The MCP server on standard input and output. It opens only the published file, again for each question, so that an
answer is of one build. Everything else that it needs is read before it starts."""

from __future__ import annotations

import importlib.metadata
import json
import threading
from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types as types
import pydantic
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from meta_pipeline.ask.answers import DATA, AskError
from meta_pipeline.ask.marts import SECONDS, opened
from meta_pipeline.ask.metrics import Metric, load_metrics
from meta_pipeline.ask.tools import TOOLS, answer
from meta_pipeline.display import printable
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.deadline import Scheduler, thread_timer
from meta_pipeline.records import MetaPipelineError

_INSTRUCTIONS = (
    "Read-only answers about Meta Ads, Page and Instagram insights. Start with list_marts. Every answer says when its "
    "data was built, until which day it covers, whether a day of it is provisional (may still change) and whether it "
    f"is reconciled with Meta's totals: pass that on. {DATA}"
)
_GRACE = 10.0  # a single function of DuckDB can't be interrupted while it runs


class Questions:
    """Answers questions about one published file, one at a time."""

    def __init__(
        self, published: Location, metrics: Mapping[str, Metric], *, schedule: Scheduler = thread_timer
    ) -> None:
        self._published, self._metrics, self._schedule = published, metrics, schedule
        self._turn = threading.Lock()

    def ask(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer. Raise MetaPipelineError, with one sentence, if there is none."""
        if tool not in TOOLS:
            raise AskError(f"there is no tool {printable(tool, limit=80)!r}: there are {', '.join(TOOLS)}")
        try:
            checked = TOOLS[tool].arguments.model_validate(arguments)
        except pydantic.ValidationError as error:
            raise AskError(_refusal(error)) from None
        if not self._turn.acquire(timeout=SECONDS):
            raise AskError("an earlier question is still being answered: ask again later")
        try:
            with opened(self._published, schedule=self._schedule) as marts:
                return answer(tool, marts, checked, self._metrics) | {"notice": DATA}
        finally:
            self._turn.release()


def server_of(questions: Questions) -> Server[Any]:
    """Return the server that answers with `questions`."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_listed(name) for name in TOOLS])

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        try:
            with anyio.fail_after(2 * SECONDS + _GRACE):
                result = await anyio.to_thread.run_sync(
                    questions.ask, params.name, params.arguments or {}, abandon_on_cancel=True
                )
        except TimeoutError:
            return _failed("the question took too long and was stopped")
        except MetaPipelineError as error:
            return _failed(str(error))
        text = json.dumps(result, ensure_ascii=False)
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=result)

    return Server(
        "meta-pipeline", version=importlib.metadata.version("meta-pipeline"), instructions=_INSTRUCTIONS,
        on_list_tools=list_tools, on_call_tool=call_tool,
    )


def serve(published: Location) -> None:
    """Serve until standard input ends."""
    questions = Questions(published, load_metrics())
    questions.ask("list_marts", {})  # fail now if nothing is published, or the file is not a warehouse
    server = server_of(questions)

    async def run() -> None:
        async with stdio_server() as (reads, writes):
            await server.run(reads, writes, server.create_initialization_options())

    anyio.run(run)


def _listed(name: str) -> types.Tool:
    return types.Tool(
        name=name, description=TOOLS[name].description, input_schema=TOOLS[name].arguments.model_json_schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _failed(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=printable(sentence, limit=1_000))], is_error=True)


def _refusal(error: pydantic.ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"the argument {printable(name, limit=80)!r} is wrong: {first['msg'][:200]}"
