"""Requests without a field that the version does not know, so that only this field is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meta_pipeline.graph.errors import RequestError

_UNKNOWN_FIELD = re.compile(r"nonexisting field \((\w+)\)")


def without_unknown(fields: Sequence[str], error: RequestError) -> tuple[str, ...] | None:
    """Return the fields without the one that Meta reports as unknown; None when it reports none of them, or the id."""
    match = _UNKNOWN_FIELD.search(str(error)) if error.code == 100 else None
    if match is None or match[1] == "id":
        return None
    fewer = tuple(name for name in fields if name.partition("{")[0] != match[1])
    return fewer if len(fewer) < len(fields) else None
