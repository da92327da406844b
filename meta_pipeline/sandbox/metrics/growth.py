"""Publication times of posts and media, and the growth of their lifetime values: computed from absolute time, so that
the exact values of every snapshot are known."""

from __future__ import annotations

import datetime as dt

from meta_pipeline.sandbox.world.world import World

# The first publication of every node; the world's options say how many follow in two years.
FIRST_PUBLICATION = dt.datetime(2024, 11, 20, 12, tzinfo=dt.UTC)
TWO_YEARS = dt.timedelta(days=730)
_HALF_S = 2 * 86_400  # half of a lifetime value is reached after two days


def publication_times(
    world: World, owner_id: str, kind: str, *, per_two_years: int, now: dt.datetime
) -> list[dt.datetime]:
    """Return when a node's posts or media were published, oldest first: one in each step of equal length.

    The n-th is the same instant at every `now`; at `FIRST_PUBLICATION` + two years there are `per_two_years`.
    """
    if per_two_years <= 0 or now < FIRST_PUBLICATION:
        return []
    step_s = int(TWO_YEARS.total_seconds()) // per_two_years
    count = int((now - FIRST_PUBLICATION).total_seconds()) // step_s + 1
    starts = (FIRST_PUBLICATION + dt.timedelta(seconds=n * step_s) for n in range(count))
    times = [
        start + dt.timedelta(seconds=world.roll(owner_id, kind, "published", n) % step_s)
        for n, start in enumerate(starts)
    ]
    return [time for time in times if time <= now]


def grown(final: int, published_at: dt.datetime, now: dt.datetime) -> int:
    """Return a lifetime value at `now`: it never falls, approaches `final`, and changes at full hours only."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    age_s = max(0, int((hour - published_at).total_seconds()))
    return final * age_s // (age_s + _HALF_S)
