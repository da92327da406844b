"""A day of ads that Meta returns only in parts: an answer has a limit of rows and of data points."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from meta_pipeline.extract.ads.insights.split_by_id import (
    Part,
    Rows,
)
from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import Batch

BATCH = Batch(records=(), trace_id=None, version="v26.0", fetched_at=dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
IDENTIFYING = ("account_id", "ad_id")
OTHERS = ("impressions", "clicks", "spend", "reach", "actions")
FIELDS = (*IDENTIFYING, *OTHERS)
# Values as Meta may write them: no byte of them may change.
VALUES = ('"1843"', '"19.544921"', "19.50", '"0.10"', "1E+2", '[ {"action_type":"link_click", "value":"37"} ]', '"ä\\u00e4"')
METRICS = {"impressions": ('"1843"', "7"), "clicks": ('"51"', '"0"'), "spend": ('"19.544921"', "0.10", '"1E+2"')}

# The rows of an ad, by breakdown: field → encoded value.
Ad = dict[str, dict[str, str]]


@dataclass
class Meta:
    """A day of ads by age, with a limit of rows and of data points (rows × fields) per answer."""

    ads: dict[str, Ad]
    most_rows: int
    most_points: int = 10**9
    omits_empty_rows: bool = False
    requested: list[tuple[Part, tuple[str, ...]]] = field(default_factory=list)
    answered: list[tuple[Part, tuple[str, ...]]] = field(default_factory=list)
    id_lists: list[Part] = field(default_factory=list)
    totals_read: int = 0

    def within(self, rows: int, fields: int) -> bool:
        return rows <= self.most_rows and rows * fields <= self.most_points

    def read(self, part: Part, fields: Sequence[str]) -> Rows:
        self.requested.append((part, tuple(fields)))
        of_part = [(ad, age, row) for ad, ages in self.ads.items() if has(part, ad) for age, row in ages.items()]
        if not self.within(len(of_part), len(fields)):
            raise TooMuchDataError("too much")
        self.answered.append((part, tuple(fields)))
        rows = []
        for ad, age, row in of_part:
            given = {name: row[name] for name in fields if name in row}
            if given or not self.omits_empty_rows:
                rows.append((encode({"account_id": '"1"', "ad_id": f'"{ad}"', **given, "age": f'"{age}"'}), BATCH))
        return rows

    def list_ids(self, part: Part) -> list[str]:
        self.id_lists.append(part)
        ids = [ad for ad, rows in self.ads.items() if has(part, ad) and rows]
        if not self.within(len(ids), 1):
            raise TooMuchDataError("even the ids are too much")
        return ids

    def total(self) -> dict[str, str]:
        self.totals_read += 1
        return {
            name: str(sum(number(row[name]) for ad in self.ads.values() for row in ad.values() if name in row))
            for name in METRICS
        }

    def can_be_read(self, listed: list[str]) -> bool:
        """Check whether the smallest parts can be read: the ids of unlisted ads, and each ad one field at a time."""
        unlisted = {ad: rows for ad, rows in self.ads.items() if ad not in listed and rows}
        is_named = not listed or not self.within(sum(map(len, unlisted.values())), len(FIELDS))
        singles = {ad: rows for ad, rows in self.ads.items() if is_named or ad in listed}
        return (not is_named or self.within(len(unlisted), 1)) and all(
            self.within(len(rows), len(IDENTIFYING) + 1) for rows in singles.values()
        )


def number(text: str) -> Decimal:
    return Decimal(text.strip(chr(34)))


def has(part: Part, ad: str) -> bool:
    return (ad in part.ids) != part.is_rest


def encode(values: dict[str, str]) -> bytes:
    return ("{" + ",".join(f'"{name}": {value}' for name, value in values.items()) + "}").encode()


def read_key(record: bytes) -> tuple[str, str]:
    row = json.loads(record)
    return row["ad_id"], row.get("age")


def ads(*names: str, rows: int = 1) -> dict[str, Ad]:
    return {name: {str(age): {"impressions": '"10"', "clicks": '"1"'} for age in range(rows)} for name in names}
