"""Many requests in one (graph-api.md §8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from meta_pipeline.sandbox.answers import Answer, Ask, Refused
from meta_pipeline.sandbox.scene import Scene


def batch(scene: Scene, ask: Ask, *, answer: Callable[[Ask], Answer]) -> list[dict[str, Any] | None]:
    """Every operation's answer, in order; `answer` gives them."""
    operations = ask.json("batch")
    if not isinstance(operations, list):
        raise Refused("(#100) batch parameter must be a JSON array", 100)
    if len(operations) > 50:
        raise Refused("Too many requests in batch message. Maximum batch size is 50", 100)
    scene.identity.authenticate(ask, scene.now())
    include = ask.params.get("include_headers", "true") not in ("false", "0")
    return [_operation(scene, ask, operation, include, answer) for operation in operations]


def _operation(
    scene: Scene, ask: Ask, operation: dict[str, Any], include: bool, answer: Callable[[Ask], Answer]
) -> dict[str, Any] | None:
    split = urlsplit("/" + str(operation["relative_url"]).lstrip("/"))
    version, path = cut_version(split.path.lstrip("/"))
    params = dict(parse_qsl(split.query)) | dict(parse_qsl(str(operation.get("body", ""))))
    for name in ("access_token", "appsecret_proof"):
        if name in ask.params:
            params.setdefault(name, ask.params[name])
    inner = Ask(
        str(operation.get("method", "GET")).upper(), path, version or ask.version, params, ask.headers, ask.base_url
    )
    if scene.faults.is_null(inner):
        return None
    given = answer(inner)
    shown = [{"name": name, "value": value} for name, value in given.headers.items()] if include else []
    return {"code": given.status, "headers": shown, "body": given.content.decode()}


def cut_version(path: str) -> tuple[str, str]:
    """`v25.0/act_1/ads` → (`v25.0`, `act_1/ads`)."""
    found = re.match(r"(v\d+\.\d+)(?:/|$)(.*)", path)
    return (found[1], found[2].strip("/")) if found else ("", path.strip("/"))
