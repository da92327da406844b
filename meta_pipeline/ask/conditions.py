"""The rows of a mart that a question is about: days and equal values, as SQL with parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from meta_pipeline.ask.answers import AskError
from meta_pipeline.ask.marts import Marts
from meta_pipeline.display import printable

Value = str | int | bool | None
Where = Mapping[str, Value | Sequence[Value]]


def condition_of(
    marts: Marts, mart: str, where: Where, *, since: dt.date | None = None, until: dt.date | None = None
) -> tuple[str, list[Any]]:
    """Return the condition and its values. Raise AskError for a column that the mart lacks, and if `until` is before
    `since`."""
    if since is not None and until is not None and until < since:
        raise AskError(f"the days end before they begin: since {since}, until {until}")
    parts, values = ["true"], list[Any]()
    for sign, day in ((">=", since), ("<=", until)):
        if day is not None:
            parts.append(f"date_day {sign} ?")
            values.append(day)
    for column, allowed in where.items():
        if not marts.has(mart, column):
            raise AskError(f"{mart} has no column {printable(column, limit=80)!r}: describe lists them")
        alternatives = allowed if isinstance(allowed, list | tuple) else [allowed]
        texts = [_text(value) for value in alternatives if value is not None]
        either = [f'cast("{column}" as varchar) = ?'] * len(texts)
        either += [f'"{column}" is null'] if len(texts) < len(alternatives) else []
        parts.append(f"({' or '.join(either) or 'false'})")
        values += texts
    return " and ".join(parts), values


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
