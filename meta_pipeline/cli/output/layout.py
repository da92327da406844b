"""Fit a result into a width: as a table, as a table with fewer columns, or as one record below the other.

Nothing is truncated: a word (an id, a date, a number) stays whole, or the layout changes. Nothing here prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

GAP = 2  # columns between two columns
MOST_LINES = 3  # lines that a cell may be folded into


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it will be printed: name, header, cells. `is_number` aligns to the right; `is_text` may be
    folded between words."""

    name: str
    header: str
    cells: tuple[str, ...]
    is_number: bool = False
    is_text: bool = False

    @property
    def natural(self) -> int:
        """Return the width at which nothing is folded."""
        return max(map(cell_len, (self.header, *self.cells)))

    @property
    def least(self) -> int:
        """Return the smallest width at which no word is broken and no cell takes more than a few lines."""
        if not self.is_text:
            return self.natural
        words = max((cell_len(word) for text in (self.header, *self.cells) for word in text.split()), default=0)
        return min(self.natural, max(words, math.ceil(self.natural / MOST_LINES)))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that fit with their widths (None: print records instead) and the names that were left out."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...] | None
    left_out: tuple[str, ...] = ()


def fit(columns: Sequence[Column], *, width: int, optional: Sequence[str] = ()) -> Layout:
    """Choose the layout for `width`. Columns named in `optional` are left out in that order while the others don't fit;
    when even the rest does not fit, all columns are shown, as records."""
    left_out = [name for name in optional if any(column.name == name for column in columns)]
    for count in range(len(left_out) + 1):
        shown = [column for column in columns if column.name not in left_out[:count]]
        if shown and _total([column.least for column in shown]) <= width:
            return Layout(tuple(shown), _widths(shown, width), tuple(left_out[:count]))
    return Layout(tuple(columns), None)


def wide(columns: Sequence[Column]) -> Layout:
    """Keep every column at its natural width."""
    return Layout(tuple(columns), tuple(column.natural for column in columns))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    """Distribute the spare width over the columns whose cells are folded, the narrowest first."""
    widths = [column.least for column in columns]
    spare = width - _total(widths)
    while spare > 0 and (folded := [at for at, column in enumerate(columns) if widths[at] < column.natural]):
        at = min(folded, key=lambda index: (widths[index], index))
        widths[at] += 1
        spare -= 1
    return tuple(widths)
