"""A request as Graph reads it, whether it came over HTTP, in a batch or from a test."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.tokens import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRequest:
    """One request; `params` are those of the query and of the form alike, `path` has no version and no outer slash.

    `files`: the files of a multipart form by the name of their part; `body`: the bytes of an upload, which has no form.
    """

    method: str
    path: str
    version: str
    params: dict[str, str]
    headers: Mapping[str, str]
    base_url: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    def json_param(self, name: str, default: Any = None) -> Any:
        """Return a parameter given as JSON, as a comma list, or in the bracket form `name[key]=`."""
        if name in self.params:
            text = self.params[name]
            try:
                return json.loads(text)
            except ValueError:
                return text.split(",") if text else default
        bracket = re.compile(re.escape(name) + r"\[(\w+)\]")
        members = {match[1]: value for key, value in self.params.items() if (match := bracket.fullmatch(key))}
        return members or default

    def list_param(self, name: str) -> list[str]:
        """Return a list parameter: JSON, comma-separated, or a single word."""
        value = self.json_param(name, [])
        return [str(word) for word in value] if isinstance(value, list) else [str(value)]

    @property
    def token_text(self) -> str | None:
        """The access token, from the authorization header or from the parameter."""
        header = self.headers.get("authorization", "")
        if header.lower().startswith("bearer "):
            return header[7:].strip()
        if header.lower().startswith("oauth "):
            return header[6:].strip()
        return self.params.get("access_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCall:
    """An authenticated request to a node or to one of its edges; `edge` is empty for the node itself."""

    request: GraphRequest
    node_id: str
    edge: str
    token: AccessToken
    now: dt.datetime

    @property
    def fields(self) -> str | None:
        """The `fields` parameter."""
        return self.request.params.get("fields")
