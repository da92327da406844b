"""How Graph answers: results, error envelopes, pages with cursors, and the headers on everything."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

_NOT_ASCII = re.compile("[\x7f-\U0010ffff]")


@dataclass
class Ask:
    """A request as Graph reads it: parameters from query and form alike."""

    method: str
    path: str
    version: str
    params: dict[str, str]
    headers: Mapping[str, str]
    base_url: str
    marketing: bool = False

    def json(self, name: str, default: Any = None) -> Any:
        """A parameter as JSON, from a comma list, or from the bracket form `name[key]=`."""
        if name in self.params:
            text = self.params[name]
            try:
                return json.loads(text)
            except ValueError:
                return text.split(",") if text else default
        bracket = re.compile(re.escape(name) + r"\[(\w+)\]")
        found = {m[1]: value for key, value in self.params.items() if (m := bracket.fullmatch(key))}
        return found or default

    def words(self, name: str) -> list[str]:
        """A list parameter: JSON, comma-joined, or one word."""
        found = self.json(name, [])
        return [str(word) for word in found] if isinstance(found, list) else [str(found)]


@dataclass
class Answer:
    """A status, a body and headers of its own."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def content(self) -> bytes:
        """The body as bytes; Meta escapes what is not ASCII."""
        return self.raw if self.raw is not None else encoded(self.body)


def encoded(body: Any) -> bytes:
    """Compact JSON as Meta writes it: what is not ASCII is escaped."""
    try:
        text = orjson.dumps(body)
    except TypeError:  # a number beyond 64 bits, half a character
        return json.dumps(body, separators=(",", ":")).encode()
    if text.isascii() and b"\x7f" not in text:
        return text
    return _NOT_ASCII.sub(lambda letter: json.dumps(letter[0])[1:-1], text.decode()).encode()


class Refused(Exception):
    """Graph says no: becomes an error envelope."""

    def __init__(
        self,
        message: str,
        code: int,
        *,
        subcode: int | None = None,
        status: int = 400,
        kind: str = "OAuthException",
        user_title: str = "Error",
        user_msg: str | None = None,
        is_transient: bool | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.subcode, self.status, self.kind = message, code, subcode, status, kind
        self.user_title, self.user_msg = user_title, user_msg
        self.is_transient, self.headers = is_transient, headers or {}

    def answer(self, trace_id: str) -> Answer:
        """The envelope (graph-api.md §7.1)."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.is_transient is not None:
            error["is_transient"] = self.is_transient
        if self.user_msg:
            error["error_user_title"] = self.user_title
            error["error_user_msg"] = self.user_msg
        error["fbtrace_id"] = trace_id
        return Answer({"error": error}, self.status, dict(self.headers))


def unknown_object(node_id: str) -> Refused:
    """100/33, in Graph's words."""
    return Refused(
        f"Unsupported get request. Object with ID '{node_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation",
        100, subcode=33, kind="GraphMethodException",
    )


REDUCE = "Please reduce the amount of data you're asking for, then retry your request"


def too_much() -> Refused:
    """The data-per-call limit (graph-api.md §2.8)."""
    return Refused("Invalid parameter", 100, subcode=1487534, user_msg=REDUCE)


def new_trace_id() -> str:
    """An id such as Graph puts on every answer."""
    return "A" + secrets.token_urlsafe(16).replace("-", "x").replace("_", "y")


def _cursor(offset: int) -> str:
    return base64.b64encode(str(offset).encode()).decode().replace("=", "ZD")


def _offset(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor.replace("ZD", "=")).decode())
    except ValueError:
        raise Refused("(#100) Invalid cursor", 100, subcode=2642) from None


def paged(ask: Ask, rows: Sequence[Any], render: Callable[[Any], Any] = lambda row: row) -> dict[str, Any]:
    """One page: short ones happen while more follow; the last page has cursors but no `next`. (An empty page with
    `next` happens too, but the official SDK stops there and loses rows: it comes to order, as a fault.)"""
    try:
        limit = max(1, int(ask.params.get("limit", "25")))
    except ValueError:
        raise Refused("(#100) Param limit must be an integer", 100) from None
    start = _offset(ask.params["after"]) if ask.params.get("after") else 0
    end = min(len(rows), start + limit)
    if start and end < len(rows) and (start // limit) % 3 == 1 and limit > 1:
        end -= 1  # a page may be shorter than its limit while more follow
    page = {"data": [render(row) for row in rows[start:end]]}
    if not rows:
        return page
    paging: dict[str, Any] = {"cursors": {"before": _cursor(start), "after": _cursor(end)}}
    if end < len(rows):
        follow = {**ask.params, "after": _cursor(end)}
        follow.setdefault("access_token", token_of(ask) or "")
        paging["next"] = f"{ask.base_url}/{ask.version}/{ask.path}?{urlencode(follow)}"
    if start:
        before = {**ask.params, "before": _cursor(start)}
        before.pop("after", None)
        paging["previous"] = f"{ask.base_url}/{ask.version}/{ask.path}?{urlencode(before)}"
    page["paging"] = paging  # type: ignore[assignment]
    return page


def token_of(ask: Ask) -> str | None:
    """The access token: a bearer header or the parameter, equivalent."""
    header = ask.headers.get("authorization", "")
    if header.lower().startswith("bearer "):
        return header[7:].strip()
    if header.lower().startswith("oauth "):
        return header[6:].strip()
    return ask.params.get("access_token")


def split_fields(text: str) -> list[str]:
    """`a,b{c,d},e.limit(5){f}` cut at the commas that are not inside braces."""
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += (letter in "{(") - (letter in "})")
        if letter == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [part.strip() for part in [*parts, current] if part.strip()]


def projected(node: Mapping[str, Any], fields: str | None, defaults: Sequence[str] = ("id",)) -> dict[str, Any]:
    """The fields that were asked for, and always the id; what has no value is absent."""
    names = split_fields(fields) if fields else list(defaults)
    shown: dict[str, Any] = {}
    for name in names:
        base, _, nested = name.partition("{")
        base = base.partition(".")[0]
        if base not in node:
            raise Refused(
                f"(#100) Tried accessing nonexisting field ({base}) on node type ({node.get('_type', 'Object')})", 100
            )
        value = node[base]
        if nested and isinstance(value, Mapping):
            value = projected(value, nested.rstrip("}"))
        elif isinstance(value, Mapping) and "_shown" in value:
            value = projected(value, None, value["_shown"])
        elif isinstance(value, Mapping):
            value = {key: inner for key, inner in value.items() if not key.startswith("_")}
        if value is not None:
            shown[base] = value
    if "id" in node:
        shown.setdefault("id", node["id"])
    return shown
