"""A day that is too much for one request is read in parts, by ids: those of the listings, halved until they come back,
and always all the others (`NOT_IN`), because listings leave deleted ads out. It is a day only when the parts add up to
Meta's own total of the account. No I/O of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import Batch, LandingError

Rows = list[tuple[bytes, Batch]]
# What adds up over the parts of an account's day, at every level and breakdown.
ADDITIVE = ("impressions", "clicks", "spend")


@dataclass(frozen=True, slots=True)
class Part:
    """Things of a level: those of `ids`, or all but those."""

    ids: tuple[str, ...]
    is_rest: bool = False

    def rule(self, level: str) -> dict[str, Any]:
        """The part as a rule of `filtering` (graph-api.md §2.6)."""
        return {"field": f"{level}.id", "operator": "NOT_IN" if self.is_rest else "IN", "value": list(self.ids)}

    def halves(self) -> tuple[Part, Part]:
        """The same in two, when it has two ids at least."""
        middle = len(self.ids) // 2
        return Part(self.ids[:middle]), Part(self.ids[middle:])


def parts_of(ids: Iterable[str]) -> list[Part]:
    """Everything, in three parts: the halves of what is known, and the rest. Nothing known: nothing to part by."""
    known = tuple(sorted(set(ids)))
    if not known:
        return []
    halves = Part(known).halves() if len(known) > 1 else (Part(known),)
    return [*halves, Part(known, is_rest=True)]


def read_in_parts(
    ids: Iterable[str],
    *,
    read: Callable[[Part], Rows],
    key_of: Callable[[bytes], tuple[Any, ...]],
    fields: Sequence[str],
    control: Callable[[], Mapping[str, Any]],
) -> Rows:
    """The rows of one day. `read` may raise TooMuchDataError, which halves a part; `control` answers the account's own
    total of the day. LandingError when the parts don't add up, twice: figures may move while they are read."""
    for attempt in (1, 2):
        rows = _read(parts_of(ids), read)
        seen = {key_of(record) for record, _ in rows}
        difference = _difference([record for record, _ in rows], control(), fields)
        if len(seen) == len(rows) and difference is None:
            return rows
        if attempt == 2:
            raise LandingError(
                "the parts that the day was read in have a row twice" if len(seen) != len(rows)
                else f"the parts that the day was read in don't add up to Meta's own total: {difference}"
            )
    raise AssertionError("two attempts end above")


def _read(todo: list[Part], read: Callable[[Part], Rows]) -> Rows:
    if not todo:
        raise TooMuchDataError("the day is too much at once, and no id is known to part it by")
    rows: Rows = []
    while todo:
        part = todo.pop(0)
        try:
            rows.extend(read(part))
        except TooMuchDataError:
            if part.is_rest or len(part.ids) == 1:
                raise
            todo[:0] = part.halves()
    return rows


def _difference(records: Sequence[bytes], total: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    for name in ADDITIVE:
        if name not in fields:
            continue
        ours = sum((_number(msgspec.json.decode(record).get(name)) for record in records), Decimal(0))
        theirs = _number(total.get(name))
        if ours != theirs:
            return f"{name} {ours} of {theirs}"
    return None


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value)) if value is not None else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
