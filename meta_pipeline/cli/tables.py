"""Query results as a table, CSV or JSON; decimals keep every digit, days are ISO."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console


def plain(value: Any) -> Any:
    """A value as JSON can carry it without losing a digit."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def show(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str) -> None:
    """Print a result on standard output."""
    plain_rows = [[plain(value) for value in row] for row in rows]
    if form == "json":
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in plain_rows], ensure_ascii=False, default=str))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(plain_rows)
    else:
        from rich.table import Table

        table = Table(*columns)
        for row in plain_rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        terminal().print(table)


def show_records(columns: Sequence[str], records: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print these columns of records on standard output."""
    show(columns, [tuple(record[column] for column in columns) for record in records], form)


def terminal() -> Console:
    """Where tables go; a pipe has no width, so nothing is cut there."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=240, highlight=False)
