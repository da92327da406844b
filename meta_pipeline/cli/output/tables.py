"""Query results as a table, CSV or JSON. CSV and JSON are exact: decimals keep every digit, times are ISO. A table is
for people: it fits the terminal, times are to the minute in UTC, money is rounded to the decimals of its currency."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from meta_pipeline import money
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.layout import GAP, Column, Layout, fit, wide
from meta_pipeline.display import printable

_MONEY = re.compile(r"(?<![a-z])(spend|budget|revenue|amount|(action|conversions|purchase)_value)(?![a-z])")
_CURRENCY = ("currency", "account_currency")


def plain(value: Any) -> Any:
    """Return the value for JSON, without losing a digit."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def show(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    form: str,
    *,
    headers: Mapping[str, str] | None = None,
    optional: Sequence[str] = (),
    formats: Mapping[str, Callable[[Any], str]] | None = None,
    missing: str = "",
    is_wide: bool = False,
) -> None:
    """Print a result on standard output. The other arguments are for tables only: `headers` rename columns; `optional`
    names the columns that a narrow terminal leaves out, in this order; `formats` convert a column's values to text, and
    `missing` is the text for None; `is_wide` keeps all columns, however long the lines become."""
    if form == "json":
        records = [dict(zip(columns, map(plain, row), strict=True)) for row in rows]
        print(json.dumps(records, ensure_ascii=False, default=str))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[plain(value) for value in row] for row in rows])
    else:
        shown = _columns(columns, rows, headers or {}, formats or {}, missing)
        width = terminal.columns()
        _print(wide(shown) if is_wide or not rows else fit(shown, width=width, optional=optional), len(rows), width)


def show_records(columns: Sequence[str], records: Sequence[Mapping[str, Any]], form: str, **how: Any) -> None:
    """Print these columns of records on standard output; `how` as in `show`."""
    show(columns, [tuple(record[column] for column in columns) for record in records], form, **how)


def cell(value: Any, currency: str | None = None) -> str:
    """Return a value for people; `currency` makes a decimal an amount of money."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return money.amount(value, currency) if currency else money.plain(value)
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC) if value.tzinfo else value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(value)


def _columns(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    headers: Mapping[str, str],
    formats: Mapping[str, Callable[[Any], str]],
    missing: str,
) -> list[Column]:
    at = next((names.index(name) for name in _CURRENCY if name in names), None)
    currencies = [None if at is None or row[at] is None else str(row[at]) for row in rows]
    columns = []
    for number, name in enumerate(names):
        values = [row[number] for row in rows]
        is_money = _MONEY.search(name) is not None
        cells = tuple(
            missing if value is None else formats[name](value) if name in formats
            else cell(value, currency if is_money else None)
            for value, currency in zip(values, currencies, strict=True)
        )
        given = [value for value in values if value is not None]
        is_number = bool(given) and all(isinstance(value, int | float | Decimal) for value in given)
        is_text = any(isinstance(value, str) for value in given)
        columns.append(Column(name, printable(headers.get(name, name)), cells, is_number, is_text))
    return columns


def _print(layout: Layout, count: int, width: int) -> None:
    if layout.widths is None:
        _print_records(layout.columns, count, width)
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, size in zip(layout.columns, layout.widths, strict=True):
        table.add_column(
            Text(column.header), width=size, justify="right" if column.is_number else "left", overflow="fold"
        )
    for at in range(count):
        table.add_row(*(Text(column.cells[at]) for column in layout.columns))
    total = sum(layout.widths) + GAP * len(layout.widths)
    terminal.stdout(width=total).print(table)
    if layout.left_out:
        terminal.echo(f"left out to fit {width} columns: {', '.join(layout.left_out)}; --wide prints them", err=True)


def _print_records(columns: Sequence[Column], count: int, width: int) -> None:
    """Print each row as lines of name and value, as psql's `\\x` does."""
    console = terminal.stdout(width=width)
    for at in range(count):
        head = f"-[ {at + 1} of {count} ]-"
        console.print(head.ljust(min(width, 60), "-"))
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for column in columns:
            grid.add_row(Text(column.header), Text(column.cells[at]))
        console.print(grid)
