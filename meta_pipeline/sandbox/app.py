"""The HTTP side: routes to Graph, to the login dialog, to the pictures and to the control calls."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from meta_pipeline.sandbox import creatives
from meta_pipeline.sandbox import truth as exact
from meta_pipeline.sandbox.answers import Ask
from meta_pipeline.sandbox.batch import cut_version
from meta_pipeline.sandbox.control import begin, control
from meta_pipeline.sandbox.dialog import chosen, dialog
from meta_pipeline.sandbox.graph import DEFAULT_VERSION, Graph
from meta_pipeline.sandbox.world import ADS

CONSTANT = {
    "content-type": "application/json; charset=UTF-8", "access-control-allow-origin": "*",
    "cache-control": "private, no-cache, no-store, must-revalidate", "pragma": "no-cache",
    "expires": "Sat, 01 Jan 2000 00:00:00 GMT", "vary": "Origin, Accept-Encoding",
}


def create_app(
    *, seed: int = 1, now: dt.datetime | None = None, scenario: list[dict[str, Any]] | None = None, speed: float = 1.0,
    accounts: int = 6, ads: int = ADS,
) -> Starlette:
    """The sandbox as an ASGI app. `speed`: how many of its seconds pass in one of ours; `ads`: of each account that
    delivers."""
    graph = Graph(seed=seed, now=now, accounts=accounts, ads=ads)
    if speed != 1.0:
        graph.clock = fast_clock(speed)
    begin(graph, scenario or [])

    async def serve(request: Request) -> Response:
        version, path = cut_version(request.url.path.lstrip("/"))
        if path == "dialog/oauth":
            return dialog(graph, request)
        if path == "dialog/oauth/choice":
            return chosen(graph, request)
        ask = Ask(
            request.method, path, version or DEFAULT_VERSION if not path.startswith("act_") else version,
            await _params(request), request.headers, str(request.base_url).rstrip("/"),
        )
        answer = graph.answer(ask)
        if answer.headers.pop("x-sandbox-hang", None):
            await asyncio.sleep(300)
        return Response(answer.content, answer.status, {**CONSTANT, **answer.headers})

    async def steer(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}") if request.method == "POST" else {}
            return JSONResponse(control(graph, request.path_params["what"], body, request.query_params))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    async def picture(request: Request) -> Response:
        answer = creatives.picture(request.path_params["name"], request.query_params, graph.world, graph.now())
        return Response(answer.content, answer.status, answer.headers)

    app = Starlette(
        routes=[
            Route("/_sandbox/{what}", steer, methods=["GET", "POST"]),
            Route(f"/{creatives.CDN}/{{name}}", picture, methods=["GET"]),
            Route("/{path:path}", serve, methods=["GET", "POST", "DELETE"]),
        ]
    )
    app.state.graph = graph
    return app


def fast_clock(speed: float) -> Callable[[], dt.datetime]:
    """A clock that shows the real time now and runs `speed` times as fast from here on."""
    base = dt.datetime.now(dt.UTC)
    return lambda: base + (dt.datetime.now(dt.UTC) - base) * speed


async def _params(request: Request) -> dict[str, str]:
    params = dict(request.query_params)
    if request.method != "GET":
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/"):
            form = await request.form()
            params |= {name: value for name, value in form.items() if isinstance(value, str)}
        else:
            params |= dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    return params


def truth(graph: Graph, since: dt.date, until: dt.date) -> dict[str, list[dict[str, Any]]]:
    """Exact totals by account, day and level as Graph shows them now."""
    return exact.totals(graph.world, since, until, graph.now())
