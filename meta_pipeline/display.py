"""Make text that came from Graph or a person safe to show: in a table, a log line, a mail, a page, Dagster metadata.

Only characters are handled here. Markup (rich, HTML, Slack, Markdown) is escaped by the code that puts the text into
that format."""

from __future__ import annotations

import unicodedata

# Control and format characters (bidirectional overrides among them), surrogates, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # format characters that scripts and emoji need


def printable(text: object, *, limit: int = 500) -> str:
    """Return `text` on one line: unsafe characters as escapes (`\\x1b`, `\\u202e`), cut after `limit` characters."""
    shown = "".join(_shown(character) for character in str(text)[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE or character in _JOINERS:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
