"""Decide which days to read again, and when: often while they are recent, rarely when they are older, once more when
they are stable (28 days, docs/graph-api.md §2.7), then never. No I/O, no clock."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meta_pipeline.records import ConfigError

STABLE_AFTER_DAYS = 28
# A day is read for the last time at this age: a week of days that became stable is one range instead of seven.
LAST_READ_AGE = STABLE_AFTER_DAYS + 7


@dataclass(frozen=True, slots=True)
class Tier:
    """Days up to `age` are read again every `every` days."""

    age: int
    every: int


def rising_tiers(text: str) -> tuple[Tier, ...]:
    """Parse `age:every` pairs separated by commas; return () unless they are rising numbers from 1 on."""
    try:
        tiers = tuple(Tier(*(int(number) for number in part.split(":"))) for part in text.split(","))
    except (ValueError, TypeError):
        return ()
    ages, everies = [tier.age for tier in tiers], [tier.every for tier in tiers]
    is_rising = all(a < b for a, b in itertools.pairwise(ages)) and everies == sorted(everies)
    return tiers if is_rising and everies[0] >= 1 and ages[0] >= 1 else ()


def parse_tiers(text: str) -> tuple[Tier, ...]:
    """Parse tiers: with `3:1,7:2,14:4,28:7` days of age 1–3 are read every day, 4–7 every two days, and so on to 28.
    Raise ConfigError when they don't rise or don't end at 28."""
    tiers = rising_tiers(text)
    if not tiers or tiers[-1].age != STABLE_AFTER_DAYS:
        raise ConfigError(
            f"META_PIPELINE_RESTATEMENT must be age:every pairs that rise up to age {STABLE_AFTER_DAYS}, "
            f"such as 3:1,7:2,14:4,28:7, not {text!r}"
        )
    return tiers


def due(today: dt.date, read_on: Mapping[dt.date, dt.date], tiers: tuple[Tier, ...]) -> Iterator[dt.date]:
    """Yield the days that are due `today` (on the node's calendar), oldest first. `read_on`: day → the date on which it
    was last read; a day that is not in it was never read."""
    for age in range(LAST_READ_AGE, 0, -1):
        day = today - dt.timedelta(days=age)
        last = read_on.get(day)
        if last is None:
            is_due = age <= STABLE_AFTER_DAYS
        elif age > STABLE_AFTER_DAYS:
            is_due = age == LAST_READ_AGE and (last - day).days <= STABLE_AFTER_DAYS
        else:
            is_due = (today - last).days >= next(tier.every for tier in tiers if age <= tier.age)
        if is_due:
            yield day


def due_since(today: dt.date, read_on: Mapping[dt.date, dt.date], tiers: tuple[Tier, ...]) -> dt.date | None:
    """Return the oldest day that is due; None when no day is. All days from it to yesterday are one range, because a
    range costs about the same whatever its length (docs/decisions/0015)."""
    return next(due(today, read_on, tiers), None)
