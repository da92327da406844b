"""A day that is too much for one request is read in parts: by ids, those of the listings, halved until they come back,
and always all the others (`NOT_IN`), because listings leave deleted ads out; a part that no id divides is read by
fields and its rows are joined. It is a day only when the parts add up to Meta's own total of the account. No I/O of
its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import Batch, LandingError

Rows = list[tuple[bytes, Batch]]
KeyOf = Callable[[bytes], Any]
# What adds up over the parts of an account's day, at every level and breakdown.
ADDITIVE = ("impressions", "clicks", "spend")
TWICE = "the parts that the day was read in have a row twice"


@dataclass(frozen=True, slots=True)
class Part:
    """Things of a level: those of `ids`, or all but those."""

    ids: tuple[str, ...]
    is_rest: bool = False

    def rule(self, level: str) -> dict[str, Any]:
        """The part as a rule of `filtering` (graph-api.md §2.6); everything needs none."""
        return {"field": f"{level}.id", "operator": "NOT_IN" if self.is_rest else "IN", "value": list(self.ids)}

    def halves(self) -> list[Part]:
        """The same in two; nothing when ids don't divide it."""
        middle = len(self.ids) // 2
        return [] if self.is_rest or not middle else [Part(self.ids[:middle]), Part(self.ids[middle:])]


EVERYTHING = Part((), is_rest=True)


def parts_of(ids: Iterable[str]) -> list[Part]:
    """Everything, in three parts: the halves of what is known, and the rest. Nothing known: nothing to part by."""
    known = Part(tuple(sorted(set(ids))))
    return [*(known.halves() or [known]), Part(known.ids, is_rest=True)] if known.ids else []


def kept_of(fields: Iterable[str], key: Iterable[str]) -> tuple[str, ...]:
    """The fields that say what a row is of: they stay in every request."""
    key = {*key, "date_start", "date_stop"}
    return tuple(name for name in fields if name in key or name.endswith("_id"))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a day that is too much at once is asked for. `read` asks for some fields of a part and may raise
    TooMuchDataError; `ids_in` asks for nothing but the ids of a part's things, and may raise it too; `key_of` tells
    the rows of an answer apart; `kept` fields are in every request."""

    read: Callable[[Part, Sequence[str]], Rows]
    ids_in: Callable[[Part], Iterable[str]]
    key_of: KeyOf
    fields: Sequence[str]
    kept: Sequence[str]

    def whole(self, parts: Sequence[Part]) -> tuple[Rows, list[Part]]:
        """All rows of the parts, and the smaller parts that they came in."""
        todo, rows, came, is_named = list(parts), Rows(), list[Part](), False
        while todo:
            part = todo.pop(0)
            try:
                found = self._at_once(part)
            except TooMuchDataError as error:
                smaller = part.halves()
                if part.is_rest and not is_named:
                    smaller, is_named = self._named(part), True
                if smaller:
                    todo[:0] = smaller
                    continue
                found = self._by_fields(part, error)
            rows.extend(found)
            came.append(part)
        return rows, came

    def _at_once(self, part: Part) -> Rows:
        if part == EVERYTHING:
            raise TooMuchDataError("the day is too much at once, and no id is known to part it by")
        return self.read(part, self.fields)

    def _named(self, rest: Part) -> list[Part]:
        """A rest without what no listing knew: ids alone are little, and name the deleted. Nothing when it has none."""
        named = Part(tuple(sorted(set(self.ids_in(rest)) - set(rest.ids))))
        if not named.ids:
            return []
        return [*(named.halves() or [named]), Part((*rest.ids, *named.ids), is_rest=True)]

    def _by_fields(self, part: Part, error: TooMuchDataError) -> Rows:
        """A part whose fields are too many at once: halves of them, until they come back."""
        others = [name for name in self.fields if name not in self.kept]
        groups, answers = _halved(others), []
        if not groups:
            raise error
        while groups:
            group = groups.pop(0)
            try:
                answers.append(self.read(part, [name for name in self.fields if name in self.kept or name in group]))
            except TooMuchDataError:
                smaller = _halved(group)
                if not smaller:
                    raise
                groups[:0] = smaller
        return joined(answers, self.key_of)


def read_in_parts(ids: Iterable[str], *, reading: Reading, control: Callable[[], Mapping[str, Any]]) -> Rows:
    """The rows of one day. `control` answers the account's own total of the day. LandingError when the parts don't add
    up, twice: figures may move while they are read."""
    parts, totals, trouble = parts_of(ids) or [EVERYTHING], list[Mapping[str, Any]](), TWICE
    for _ in range(2):
        rows, parts = reading.whole(parts)
        if len({reading.key_of(record) for record, _ in rows}) < len(rows):
            trouble = TWICE
            continue
        sums = _sums([record for record, _ in rows], [name for name in ADDITIVE if name in reading.fields])
        if not sums or any(_difference(sums, total) is None for total in totals):
            return rows
        totals.append(control())
        difference = _difference(sums, totals[-1])
        if difference is None:
            return rows
        trouble = f"the parts that the day was read in don't add up to Meta's own total: {difference}"
    raise LandingError(trouble)


def joined(answers: Sequence[Rows], key_of: KeyOf) -> Rows:
    """The rows of one part that was read by fields, joined by their key: every value as it was given, a field that no
    answer has for a row is absent, and the row is of the answer that had it first."""
    found: dict[Any, tuple[list[bytes], Batch]] = {}
    for rows in answers:
        if len({key_of(record) for record, _ in rows}) < len(rows):
            raise LandingError(TWICE)
        for record, batch in rows:
            found.setdefault(key_of(record), ([], batch))[0].append(record)
    return [(_record(pieces), batch) for pieces, batch in found.values()]


_cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _record(pieces: Sequence[bytes]) -> bytes:
    if len(pieces) == 1:
        return pieces[0]
    values: dict[str, msgspec.Raw] = {}
    for piece in pieces:
        values |= _cut(piece)
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + bytes(raw) for name, raw in values.items()) + b"}"


def _halved(names: Sequence[str]) -> list[Sequence[str]]:
    middle = len(names) // 2
    return [names[:middle], names[middle:]] if middle else []


def _sums(records: Sequence[bytes], names: Sequence[str]) -> dict[str, Decimal]:
    rows = [_cut(record) for record in records] if names else []
    return {name: sum((_number(row[name]) for row in rows if name in row), Decimal(0)) for name in names}


def _difference(sums: Mapping[str, Decimal], total: Mapping[str, Any]) -> str | None:
    """Where the sums are not Meta's, to the last digit. A figure that is absent is none."""
    for name, ours in sums.items():
        theirs = _number(msgspec.json.encode(total.get(name)))
        if ours != theirs:
            return f"{name} {ours} of {theirs}"
    return None


def _number(value: bytes | msgspec.Raw) -> Decimal:
    """A figure, which Meta gives as text; what is none adds up to nothing."""
    text = bytes(value).decode().strip('"')
    try:
        return Decimal(0) if text == "null" else Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")
