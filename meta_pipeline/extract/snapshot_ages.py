"""The ages at which lifetime metrics of a post or media are read again: often while it is young, rarely when it is
older, never when it is old. No I/O, no clock."""

from __future__ import annotations

import datetime as dt
import itertools

from meta_pipeline.extract.restatement import Tier
from meta_pipeline.records import ConfigError
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject

# Daily for a week, weekly for a quarter, monthly for two years; media insights are kept that long
# (docs/graph-api.md §1.3).
DEFAULT_AGES = "7:1,90:7,730:30"


def parse_ages(text: str) -> tuple[Tier, ...]:
    """Parse ages: with `7:1,90:7,730:30` an object is read daily until it is 7 days old, then weekly until 90, then
    every 30 days until 730, then never. Raise ConfigError when they don't rise."""
    try:
        tiers = tuple(Tier(*(int(number) for number in part.split(":"))) for part in text.split(","))
    except (ValueError, TypeError):
        tiers = ()
    ages, everies = [tier.age for tier in tiers], [tier.every for tier in tiers]
    is_rising = all(a < b for a, b in itertools.pairwise(ages)) and everies == sorted(everies)
    if not tiers or not is_rising or min(everies) < 1 or min(ages) < 1:
        raise ConfigError(
            f"META_PIPELINE_SNAPSHOT_AGES must be age:every pairs in days that rise, such as {DEFAULT_AGES}, "
            f"not {text!r}"
        )
    return tiers


def is_due(each: SnapshotObject, today: dt.date, tiers: tuple[Tier, ...]) -> bool:
    """Return whether to read an object `today` (on its node's calendar): at fixed ages, so that objects which were first
    read on the same day are not all due on the same days ever after. What was read today is due again when it is read
    once more today, so that a second read of the day has the same objects as the first."""
    if each.gone_on is not None and each.gone_on < today:
        return False
    last = each.read_before_on if each.read_on == today else each.read_on
    if last is None:
        return True
    if each.created_on is None:
        return (today - last).days >= tiers[-1].every
    return _reads_due((today - each.created_on).days, tiers) > _reads_due((last - each.created_on).days, tiers)


def _reads_due(age: int, tiers: tuple[Tier, ...]) -> int:
    """Return how many reads of an object are due until this age, in days; the last one is after the last tier."""
    reads, since = 0, 0
    for tier in tiers:
        if age <= tier.age:
            return reads + (age - since) // tier.every
        in_tier = (tier.age - since) // tier.every
        reads, since = reads + in_tier, since + in_tier * tier.every
    return reads + 1
