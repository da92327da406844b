"""The sandbox as an ASGI app: routes to Graph, to the login dialog, to pictures and to the control calls."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from meta_pipeline.sandbox.ads import pictures
from meta_pipeline.sandbox.control import apply_scenario, control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.identity.dialog import show_dialog, submit_choice
from meta_pipeline.sandbox.protocol.faults import HANG_HEADER
from meta_pipeline.sandbox.protocol.http import CONSTANT_HEADERS, read_graph_request
from meta_pipeline.sandbox.protocol.versions import split_version
from meta_pipeline.sandbox.world.world import ADS_PER_ACCOUNT

HANG_S = 300


def create_app(
    *, seed: int = 1, now: dt.datetime | None = None, scenario: list[dict[str, Any]] | None = None, speed: float = 1.0,
    accounts: int = 6, ads: int = ADS_PER_ACCOUNT,
) -> Starlette:
    """Return the app; its `state.graph` is the Graph. `speed`: seconds of the sandbox's clock per real second; `ads`:
    of each account that delivers."""
    graph = Graph(seed=seed, now=now, accounts=accounts, ads=ads)
    if speed != 1.0:
        graph.clock = fast_clock(speed)
    apply_scenario(graph, scenario or [])
    endpoints = _Endpoints(graph)
    app = Starlette(
        routes=[
            Route("/_sandbox/{name:path}", endpoints.serve_control, methods=["GET", "POST"]),
            Route(f"/{pictures.CDN_PATH}/{{name}}", endpoints.serve_picture, methods=["GET"]),
            Route("/{path:path}", endpoints.serve_graph, methods=["GET", "POST", "DELETE"]),
        ]
    )
    app.state.graph = graph
    return app


class _Endpoints:
    """The HTTP endpoints of one Graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def serve_graph(self, request: Request) -> Response:
        """Answer a Graph request, or show the login dialog."""
        graph = self.graph
        _, path = split_version(request.url.path.lstrip("/"))
        if path == "dialog/oauth":
            return show_dialog(graph.identity, request, graph.now())
        if path == "dialog/oauth/choice":
            return submit_choice(graph.identity, request, graph.now())
        graph_request = await read_graph_request(request)
        # In a thread: a new subscription waits for the handshake with the pipeline.
        is_handshake = path.endswith("/subscriptions") and request.method == "POST"
        response = await asyncio.to_thread(graph.answer, graph_request) if is_handshake else graph.answer(graph_request)
        if HANG_HEADER in response.headers:
            await asyncio.sleep(HANG_S)
        headers = {name: value for name, value in response.headers.items() if name != HANG_HEADER}
        return Response(response.content, response.status, {**CONSTANT_HEADERS, **headers})

    async def serve_control(self, request: Request) -> Response:
        """Answer a control call; an invalid one gets 400 and a sentence."""
        try:
            body = json.loads(await request.body() or b"{}") if request.method == "POST" else {}
            name, query = request.path_params["name"], request.query_params
            # In a thread: a callback waits for the pipeline, which may call this Graph before it answers.
            if name in ("callbacks", "webhooks"):
                answer = await asyncio.to_thread(control, self.graph, name, body, query)
            else:
                answer = control(self.graph, name, body, query)
            return JSONResponse(answer)
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    async def serve_picture(self, request: Request) -> Response:
        """Return the picture of a creative."""
        name = request.path_params["name"]
        response = pictures.picture(name, request.query_params, self.graph.world, self.graph.now())
        return Response(response.content, response.status, response.headers)


def fast_clock(speed: float) -> Callable[[], dt.datetime]:
    """Return a clock that starts at the real time and runs `speed` times as fast."""
    start = dt.datetime.now(dt.UTC)
    return lambda: start + (dt.datetime.now(dt.UTC) - start) * speed
