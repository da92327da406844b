"""HTTP requests of Starlette read as Graph requests, and the headers that are on every response."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.versions import DEFAULT_VERSION, split_version

CONSTANT_HEADERS = {
    "content-type": "application/json; charset=UTF-8", "access-control-allow-origin": "*",
    "cache-control": "private, no-cache, no-store, must-revalidate", "pragma": "no-cache",
    "expires": "Sat, 01 Jan 2000 00:00:00 GMT", "vary": "Origin, Accept-Encoding",
}


async def read_graph_request(request: Request) -> GraphRequest:
    """Return the request; without a version it gets the default one, but not on an ad account's path."""
    version, path = split_version(request.url.path.lstrip("/"))
    if not version and not path.startswith("act_"):
        version = DEFAULT_VERSION
    return GraphRequest(
        method=request.method, path=path, version=version, params=await _read_params(request),
        headers=request.headers, base_url=str(request.base_url).rstrip("/"),
    )


async def _read_params(request: Request) -> dict[str, str]:
    params = dict(request.query_params)
    if request.method == "GET":
        return params
    if request.headers.get("content-type", "").startswith("multipart/"):
        form = await request.form()
        return params | {name: value for name, value in form.items() if isinstance(value, str)}
    return params | dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
