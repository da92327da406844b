"""Read a day that is too much for one request in parts. The ids of the listings are halved until each part succeeds;
one more part has all other ids (`NOT_IN`), because listings leave deleted ads out. A part that ids can't divide is read
by groups of fields, and its rows are joined. The day is accepted only when the parts add up to Meta's own total of the
account. No I/O: the caller passes the functions that read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import Batch, LandingError

Rows = list[tuple[bytes, Batch]]
KeyReader = Callable[[bytes], Any]
# What adds up over the parts of an account's day, at every level and breakdown.
ADDITIVE = ("impressions", "clicks", "spend")
DUPLICATE_ROW = "the day was read in parts, and they have a row twice"


@dataclass(frozen=True, slots=True)
class Part:
    """Entities of a level: those of `ids`, or with `is_rest` all others."""

    ids: tuple[str, ...]
    is_rest: bool = False

    def rule(self, level: str) -> dict[str, Any]:
        """Return the part as a rule of `filtering` (docs/graph-api.md §2.6)."""
        return {"field": f"{level}.id", "operator": "NOT_IN" if self.is_rest else "IN", "value": list(self.ids)}

    def halves(self) -> list[Part]:
        """Return the two halves; [] when ids can't divide the part."""
        middle = len(self.ids) // 2
        return [] if self.is_rest or not middle else [Part(self.ids[:middle]), Part(self.ids[middle:])]


ALL_IDS = Part((), is_rest=True)


def first_parts(ids: Iterable[str]) -> list[Part]:
    """Return everything in three parts: the halves of the listed ids, and the rest. Without ids there are no parts."""
    listed = Part(tuple(sorted(set(ids))))
    return [*(listed.halves() or [listed]), Part(listed.ids, is_rest=True)] if listed.ids else []


def identifying_fields(fields: Iterable[str], key: Iterable[str]) -> tuple[str, ...]:
    """Return the fields that identify a row: they are in every request."""
    key = {*key, "date_start", "date_stop"}
    return tuple(name for name in fields if name in key or name.endswith("_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReader:
    """The functions that read parts of a day. `read` requests some fields of a part and may raise TooMuchDataError;
    `list_ids` requests only the ids of a part's entities, and may raise it too; `read_key` returns the key of a row;
    `identifying` fields are in every request."""

    read: Callable[[Part, Sequence[str]], Rows]
    list_ids: Callable[[Part], Iterable[str]]
    read_key: KeyReader
    fields: Sequence[str]
    identifying: Sequence[str]

    def read_parts(self, parts: Sequence[Part]) -> tuple[Rows, list[Part]]:
        """Return all rows of the parts, and the smaller parts in which they were read."""
        todo, rows, read_parts, is_rest_listed = list(parts), Rows(), list[Part](), False
        while todo:
            part = todo.pop(0)
            try:
                part_rows = self._read_at_once(part)
            except TooMuchDataError as error:
                smaller = part.halves()
                if part.is_rest and not is_rest_listed:
                    smaller, is_rest_listed = self._split_rest(part), True
                if smaller:
                    todo[:0] = smaller
                    continue
                part_rows = self._read_by_fields(part, error)
            rows.extend(part_rows)
            read_parts.append(part)
        return rows, read_parts

    def _read_at_once(self, part: Part) -> Rows:
        if part == ALL_IDS:
            raise TooMuchDataError("the day is too much for one request, and no id is known to split it by")
        return self.read(part, self.fields)

    def _split_rest(self, rest: Part) -> list[Part]:
        """Split a rest by the ids that no listing had: ids alone are little data, and they include deleted entities.
        Return [] when there are none."""
        unlisted = Part(tuple(sorted(set(self.list_ids(rest)) - set(rest.ids))))
        if not unlisted.ids:
            return []
        return [*(unlisted.halves() or [unlisted]), Part((*rest.ids, *unlisted.ids), is_rest=True)]

    def _read_by_fields(self, part: Part, error: TooMuchDataError) -> Rows:
        """Read a part that is too much with all fields: halve the fields until each request succeeds."""
        others = [name for name in self.fields if name not in self.identifying]
        groups, answers = _halves(others), []
        if not groups:
            raise error
        while groups:
            group = groups.pop(0)
            fields = [name for name in self.fields if name in self.identifying or name in group]
            try:
                answers.append(self.read(part, fields))
            except TooMuchDataError:
                smaller = _halves(group)
                if not smaller:
                    raise
                groups[:0] = smaller
        return join_rows(answers, self.read_key)


def read_in_parts(
    ids: Iterable[str], *, reader: DayReader, read_total: Callable[[], Mapping[str, Any]]
) -> Rows:
    """Return the rows of one day. `read_total` returns the account's own total of the day. Raise LandingError when the
    parts don't add up to it twice: metrics may change while they are read."""
    parts, totals, reason = first_parts(ids) or [ALL_IDS], list[Mapping[str, Any]](), DUPLICATE_ROW
    for _ in range(2):
        rows, parts = reader.read_parts(parts)
        if len({reader.read_key(record) for record, _ in rows}) < len(rows):
            reason = DUPLICATE_ROW
            continue
        sums = _sums([record for record, _ in rows], [name for name in ADDITIVE if name in reader.fields])
        if not sums or any(_difference(sums, total) is None for total in totals):
            return rows
        totals.append(read_total())
        difference = _difference(sums, totals[-1])
        if difference is None:
            return rows
        reason = f"the day was read in parts, and they don't add up to Meta's own total: {difference}"
    raise LandingError(reason)


def join_rows(answers: Sequence[Rows], read_key: KeyReader) -> Rows:
    """Join the rows of one part that was read by fields, by their key. Every value is as Meta returned it, a field that
    no response has for a row is missing, and the row belongs to the first response that had it."""
    joined: dict[Any, tuple[list[bytes], Batch]] = {}
    for rows in answers:
        if len({read_key(record) for record, _ in rows}) < len(rows):
            raise LandingError(DUPLICATE_ROW)
        for record, batch in rows:
            joined.setdefault(read_key(record), ([], batch))[0].append(record)
    return [(_merge(pieces), batch) for pieces, batch in joined.values()]


_read_values = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _merge(pieces: Sequence[bytes]) -> bytes:
    """Merge JSON objects into one; a later value of a key replaces an earlier one."""
    if len(pieces) == 1:
        return pieces[0]
    values: dict[str, msgspec.Raw] = {}
    for piece in pieces:
        values |= _read_values(piece)
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + bytes(raw) for name, raw in values.items()) + b"}"


def _halves(names: Sequence[str]) -> list[Sequence[str]]:
    middle = len(names) // 2
    return [names[:middle], names[middle:]] if middle else []


def _sums(records: Sequence[bytes], names: Sequence[str]) -> dict[str, Decimal]:
    rows = [_read_values(record) for record in records] if names else []
    return {name: sum((_metric(row[name]) for row in rows if name in row), Decimal(0)) for name in names}


def _difference(sums: Mapping[str, Decimal], total: Mapping[str, Any]) -> str | None:
    """Return where the sums differ from Meta's total, to the last digit; None when they don't. Missing means 0."""
    for name, ours in sums.items():
        theirs = _metric(msgspec.json.encode(total.get(name)))
        if ours != theirs:
            return f"{name} {ours} of {theirs}"
    return None


def _metric(value: bytes | msgspec.Raw) -> Decimal:
    """Parse a metric, which Meta returns as a string; null means 0, anything that is not a number means NaN."""
    text = bytes(value).decode().strip('"')
    try:
        return Decimal(0) if text == "null" else Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")
