"""The `fields` parameter: which fields of a node a response has.

A node is a mapping of every field it knows; fields without a value are None. Keys with an underscore are not sent:
`_type` names the node in errors, `_shown` lists the fields of a nested node when the request names none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError


def split_fields(text: str) -> list[str]:
    """Split `a,b{c,d},e.limit(5){f}` at the commas that are not inside braces or parentheses."""
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += (letter in "{(") - (letter in "})")
        if letter == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [part.strip() for part in [*parts, current] if part.strip()]


def top_level_names(fields: str | None) -> set[str]:
    """Return the names in a `fields` parameter without what is nested in them."""
    return {name.partition("{")[0] for name in split_fields(fields or "")}


def select_fields(
    node: Mapping[str, Any], fields: str | None, default_fields: Sequence[str] = ("id",)
) -> dict[str, Any]:
    """Return the requested fields that have a value, and always the id; raise error 100 for an unknown field."""
    names = split_fields(fields) if fields else list(default_fields)
    selected: dict[str, Any] = {}
    for name in names:
        base, _, nested = name.partition("{")
        base = base.partition(".")[0]
        if base not in node:
            raise GraphApiError(
                f"(#100) Tried accessing nonexisting field ({base}) on node type ({node.get('_type', 'Object')})", 100
            )
        value = _nested(node[base], nested)
        if value is not None:
            selected[base] = value
    if "id" in node:
        selected.setdefault("id", node["id"])
    return selected


def _nested(value: Any, fields: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    if fields:
        return select_fields(value, fields.rstrip("}"))
    if "_shown" in value:
        return select_fields(value, None, value["_shown"])
    return {key: inner for key, inner in value.items() if not key.startswith("_")}
