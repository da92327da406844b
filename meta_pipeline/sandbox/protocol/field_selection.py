"""The `fields` parameter: which fields of a node a response contains.

A node is a mapping of every field it knows; fields without a value are None. A field that is an edge, such as a post's
`insights`, is a function of the arguments of its expansion: `insights.metric(a,b).period(day){name,values}`. It returns
`{"data": […]}`, and what is in braces selects fields of each record in `data`. Keys with an underscore are not sent:
`_type` names the node in errors, `_shown` lists the fields of a nested node when the request names none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from meta_pipeline.sandbox.protocol.errors import GraphApiError

# An edge of a node, called with the arguments of its expansion by name.
ExpandedEdge = Callable[[Mapping[str, str]], Mapping[str, Any]]
_ARGUMENT = re.compile(r"\.(\w+)\(([^()]*)\)")


class FieldRequest(NamedTuple):
    """One requested field: `name.argument(value){nested}`."""

    name: str
    arguments: dict[str, str]
    nested: str


def parse_field(text: str) -> FieldRequest:
    """Parse one field of a `fields` parameter, as `split_fields` returns it."""
    head, brace, nested = text.partition("{")
    return FieldRequest(
        head.partition(".")[0].strip(),
        {name: value.strip() for name, value in _ARGUMENT.findall(head)},
        nested.strip()[:-1] if brace and nested.rstrip().endswith("}") else nested,
    )


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
    """Return the names in a `fields` parameter without their arguments and what is nested in them."""
    return {parse_field(text).name for text in split_fields(fields or "")}


def select_fields(
    node: Mapping[str, Any], fields: str | None, default_fields: Sequence[str] = ("id",)
) -> dict[str, Any]:
    """Return the requested fields that have a value, and always the id; raise error 100 for an unknown field, and every
    error of an expanded edge."""
    requests = [parse_field(text) for text in (split_fields(fields) if fields else default_fields)]
    for name, _, _ in requests:
        if name not in node:
            raise GraphApiError(
                f"(#100) Tried accessing nonexisting field ({name}) on node type ({node.get('_type', 'Object')})", 100
            )
    selected: dict[str, Any] = {}
    for name, arguments, nested in requests:
        value = (
            select_records(node[name](arguments), nested) if callable(node[name]) else _nested(node[name], nested)
        )
        if value is not None:
            selected[name] = value
    if "id" in node:
        selected.setdefault("id", node["id"])
    return selected


def select_records(response: Mapping[str, Any], fields: str | None) -> dict[str, Any]:
    """Return an edge's response with the requested fields of each record in `data`; all of them without `fields`."""
    return {**response, "data": [_nested(record, fields or "") for record in response["data"]]}


def _nested(value: Any, fields: str) -> Any:
    if isinstance(value, list) and fields:
        names = {parse_field(text).name for text in split_fields(fields)}
        return [{name: item[name] for name in item if name in names} for item in value]
    if not isinstance(value, Mapping):
        return value
    if fields:
        return select_fields(value, fields)
    if "_shown" in value:
        return select_fields(value, None, value["_shown"])
    return {key: inner for key, inner in value.items() if not key.startswith("_")}
