"""The ages at which lifetime metrics of a post or media are read again: often while it is young, rarely when it is
older, never when it is old. No I/O, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from meta_pipeline.extract.planning.restatement import Tier, rising_tiers
from meta_pipeline.records import ConfigError
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject

# Daily for a week, weekly for a quarter, monthly for two years; media insights are kept that long
# (docs/graph-api.md §1.3).
DEFAULT_AGES = "7:1,90:7,730:30"
# Multiples of it, without their whole part, are spread more evenly than random numbers.
_GOLDEN = 0.6180339887498949


def parse_ages(text: str) -> tuple[Tier, ...]:
    """Parse ages: with `7:1,90:7,730:30` an object is read daily until it is 7 days old, then weekly until 90, then
    every 30 days until 730, then never. Raise ConfigError when they don't rise."""
    tiers = rising_tiers(text)
    if not tiers:
        raise ConfigError(
            f"META_PIPELINE_SNAPSHOT_AGES must be age:every pairs in days that rise, such as {DEFAULT_AGES}, "
            f"not {text!r}"
        )
    return tiers


def due(objects: Mapping[str, SnapshotObject], today: dt.date, tiers: tuple[Tier, ...]) -> list[str]:
    """Return the ids of the objects to read `today` (on their node's calendar). `objects`: every object of the node. An
    object that was due and read today is still due, so that a second read of the day has the same objects as the
    first."""
    oldest_first = sorted(objects.values(), key=lambda each: (each.created_on or dt.date.min, each.id))
    shifts = {each.id: rank * _GOLDEN % 1 for rank, each in enumerate(oldest_first)}
    return [id for id, each in objects.items() if is_due(each, today, tiers, shift=shifts[id])]


def is_due(each: SnapshotObject, today: dt.date, tiers: tuple[Tier, ...], *, shift: float = 0.0) -> bool:
    """Return whether to read one object. In each tier it is due on fixed days of the calendar, moved by `shift` (a
    share of the days between two reads), so that objects that were first read together are not due together."""
    if each.gone_on is not None and each.gone_on < today:
        return False
    last = each.read_before_on if each.read_on == today else each.read_on
    if last is None:
        return True
    created = each.created_on
    every = next((tier.every for tier in tiers if created is not None and (today - created).days <= tier.age), None)
    if created is not None and every is None:  # once more, after it became too old
        return (last - created).days <= tiers[-1].age
    return _slot(today, every or tiers[-1].every, shift) > _slot(last, every or tiers[-1].every, shift)


def _slot(day: dt.date, every: int, shift: float) -> int:
    return (day.toordinal() + int(shift * every)) // every
