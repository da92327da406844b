"""The only way to print text to the terminal. Text is data: markup, emoji codes and control characters do nothing."""

from __future__ import annotations

import shutil
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from meta_pipeline.display import printable

LONGEST_LINE = 4000  # characters of a sentence; those of a table's cell are printable's own limit
UNLIMITED = 100_000  # columns of a pipe or file


class Terminal(Console):
    """A console that prints each string as one line of plain text."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print strings as they are, and rich's own objects (tables, progress) as rich does."""
        super().print(*(_plain(item) if isinstance(item, str) else item for item in objects), **options)


def stdout(*, width: int | None = None) -> Terminal:
    """Return a console on standard output; `width` in columns, default the terminal's."""
    return Terminal(highlight=False, markup=False, emoji=False, width=width)


def stderr() -> Terminal:
    """Return a console on standard error for progress and messages; long lines are left to the terminal to wrap."""
    return Terminal(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def echo(text: object, *, err: bool = False) -> None:
    """Print one line."""
    click.echo(line(text), err=err)


def line(text: object) -> str:
    """Return `text` as one line that is safe to print."""
    return printable(text, limit=LONGEST_LINE)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun, singular for one: `1 call`, `1,234 calls`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def columns() -> int:
    """Return the width to lay tables out for: that of COLUMNS or of the terminal; a pipe has none."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def _plain(text: str) -> Text:
    return Text(line(text))
