"""Make text that holds names from Meta safe to show in the Dagster UI: one line, no control characters, no markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dagster as dg

from meta_pipeline.display import printable

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # all of ASCII: CommonMark lets each of them be escaped
_MOST = 2000


def plain(text: object) -> str:
    """Return text for a place that shows no markup, such as the description of an event or a failure."""
    return printable(text, limit=_MOST)


def escaped(text: object) -> str:
    """Return text for a place that renders Markdown, so that it is shown literally."""
    return _PUNCTUATION.sub(r"\\\1", plain(text))


def bullets(lines: Iterable[str], *, empty: str) -> dg.MarkdownMetadataValue:
    """Return lines of Markdown as a list; `empty` when there are none."""
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in lines) or empty)
