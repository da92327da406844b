"""Read HTTP requests of Starlette as Graph requests; define the headers that are on every response."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    form = await _read_form(request)
    return GraphRequest(
        method=request.method, path=path, version=version, params=dict(request.query_params) | form.params,
        headers=request.headers, base_url=str(request.base_url).rstrip("/"), files=form.files, body=form.body,
    )


@dataclass(frozen=True, slots=True)
class _Form:
    params: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""


async def _read_form(request: Request) -> _Form:
    """Return the fields and the files of the request's form, or the bytes of an upload."""
    if request.method == "GET":
        return _Form()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        params, files = {}, {}
        for name, value in (await request.form()).multi_items():
            if isinstance(value, str):
                params[name] = value
            else:
                files[name] = await value.read()
        return _Form(params, files)
    body = await request.body()
    if kind.startswith("application/octet-stream"):
        return _Form(body=body)
    return _Form(dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
