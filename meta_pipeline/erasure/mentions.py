"""Mentions of a subject in any text: ids and token refs as whole numbers and words, names as they are written in
text, in JSON and in JSON inside JSON. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

ERASED = "erased"
# Shorter ids and names mean too many other things: they are removed only where a column identifies them.
SHORTEST_NUMBER, SHORTEST_NAME = 6, 4
_TOKENS = re.compile(rb"[0-9A-Za-z]+")


class Mentions:
    """The words of one erasure. `ids`: of people, nodes and businesses, and refs of tokens; `names`: of these."""

    def __init__(self, ids: Iterable[str], names: Iterable[str] = ()) -> None:
        ids = {each.removeprefix("act_") for each in ids}
        self._words = {each.encode() for each in ids if len(each) >= SHORTEST_NUMBER}
        short = sorted(f"act_{each}" for each in ids if len(each) < SHORTEST_NUMBER)
        spelled = {spelling for name in names if len(name) >= SHORTEST_NAME for spelling in _spellings(name)}
        texts = [*short, *sorted(spelled, key=lambda text: (-len(text), text))]
        self._names = re.compile(
            rb"(?<![0-9A-Za-z_])(?:" + b"|".join(re.escape(text.encode()) for text in texts) + rb")(?![0-9A-Za-z_])"
        ) if texts else None

    def is_in(self, content: bytes | str) -> bool:
        """Return whether a text mentions any of them."""
        data = _bytes(content)
        if self._names is not None and self._names.search(data):
            return True
        return bool(self._words) and any(match[0] in self._words for match in _TOKENS.finditer(data))

    def without(self, content: bytes) -> bytes:
        """Return a text in which every mention is replaced by ERASED."""
        replaced = _TOKENS.sub(self._replacement, content)
        return replaced if self._names is None else self._names.sub(ERASED.encode(), replaced)

    def without_in(self, value: Any) -> Any:
        """Return a text, or JSON, without the mentions in its texts and keys."""
        match value:
            case str():
                return self.without(_bytes(value)).decode("utf-8", "surrogatepass")
            case bytes():
                return self.without(value)
            case dict():
                return {self.without_in(key): self.without_in(each) for key, each in value.items()}
            case list():
                return [self.without_in(each) for each in value]
        return value

    def is_in_json(self, value: Any) -> bool:
        """Return whether a text, or any text in JSON, mentions them."""
        if value is None or isinstance(value, (bool, int, float)):
            return isinstance(value, int) and self.is_in(str(value))
        return self.is_in(value if isinstance(value, (str, bytes)) else json.dumps(value, ensure_ascii=False))

    def _replacement(self, match: re.Match[bytes]) -> bytes:
        return ERASED.encode() if match[0] in self._words else match[0]


def _spellings(name: str) -> set[str]:
    """Return a name as text and as JSON writes it, once and twice encoded."""
    spellings = {name}
    for ascii_only in (True, False):
        encoded = json.dumps(name, ensure_ascii=ascii_only)[1:-1]
        spellings |= {encoded, json.dumps(encoded)[1:-1]}
    return spellings


def _bytes(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
