"""An Excel file that is written row by row: memory does not grow with its size."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import xlsxwriter

ROWS_PER_SHEET = 1_048_576  # of every sheet, with the header
LONGEST_TEXT = 32_767  # of every cell
_EXACT_DIGITS = 15  # of a number: Excel stores doubles


class Workbook:
    """One mart, on as many sheets as its rows need. A number with more digits than Excel keeps is written as text."""

    def __init__(self, path: Path, name: str, columns: Sequence[str]) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._name, self._columns = name, columns
        self.rows = self.cut_texts = self._sheets = 0
        self._add_sheet()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()

    def write(self, row: Sequence[Any]) -> None:
        """Write a row of values; a time is written without a time zone."""
        if self._line == ROWS_PER_SHEET:
            self._add_sheet()
        for column, value in enumerate(row):
            if value is not None:
                self._write(column, value)
        self._line += 1
        self.rows += 1

    def _add_sheet(self) -> None:
        self._sheets += 1
        ending = f" {self._sheets}" if self._sheets > 1 else ""
        self._sheet = self._book.add_worksheet(self._name[: 31 - len(ending)] + ending)
        for column, name in enumerate(self._columns):
            self._sheet.write_string(0, column, name)
        self._sheet.freeze_panes(1, 0)
        self._line = 1

    def _write(self, column: int, value: Any) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(self._line, column, value)
        elif isinstance(value, dt.date):  # a datetime is a date, too
            is_time = isinstance(value, dt.datetime)
            self._sheet.write_datetime(self._line, column, value, self._time if is_time else self._day)
        elif isinstance(value, int | float | Decimal) and _is_exact(value):
            self._sheet.write_number(self._line, column, value)
        else:
            text = str(value)
            self.cut_texts += len(text) > LONGEST_TEXT
            self._sheet.write_string(self._line, column, text[:LONGEST_TEXT])


def _is_exact(number: int | float | Decimal) -> bool:
    """Return True if Excel stores every digit. It does for every float that is neither infinite nor NaN."""
    if isinstance(number, float):
        return number - number == 0
    return len(Decimal(number).normalize().as_tuple().digits) <= _EXACT_DIGITS
