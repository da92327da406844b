"""The values of a Page's metrics on its Pacific days, as Meta reports them at a moment (docs/graph-api.md §3.1).

A day has values once it is over. With the world's option `page_late_days` the latest days are absent, 0 or incomplete,
and grow by the hour. Days that are more than two years old are gone.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from typing import NamedTuple

from meta_pipeline.sandbox.metrics.pacific import end_of, pacific_day
from meta_pipeline.sandbox.pages.audience import followers_by_place
from meta_pipeline.sandbox.pages.catalogue import DAYS_PER_PERIOD, PAGE_METRICS, Metric
from meta_pipeline.sandbox.pages.derivation import Drawn, Value, add_up, breakdown_parts, derive
from meta_pipeline.sandbox.world.world import World

HISTORY = dt.timedelta(days=730)
FIRST_FOLLOWED_ON = dt.date(2023, 1, 1)
FOLLOWERS_THEN, SMALL_PAGE_FOLLOWERS = 12_400, 60
_WHOLE = 1000


class PageRow(NamedTuple):
    """One value of a response: `breakdown_value` is `0` or `1`, None for a total."""

    day: dt.date
    value: Value
    breakdown_value: str | None = None


class PageDays:
    """Computes the values of the Pages of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._day_value = functools.lru_cache(maxsize=None)(self._compute_day_value)
        self._per_mille = functools.lru_cache(maxsize=None)(self._compute_per_mille)
        self._followers: dict[str, list[int]] = {}

    def rows(
        self, page_id: str, name: str, metric: Metric, *, period: str, breakdown: str | None, days: list[dt.date],
        now: dt.datetime,
    ) -> Iterator[PageRow]:
        """Yield the values of the days that have any, by breakdown value if a breakdown is requested."""
        if metric.kind == "absent" or self.is_small(page_id):
            return
        for day in days:
            if not self._is_reported(page_id, name, metric, day, now):
                continue
            if breakdown is None:
                yield PageRow(day, self._value(page_id, name, metric, day, period, now))
                continue
            parts = self._by_breakdown(page_id, name, metric, day, period, breakdown, now)
            for key, value in parts.items():
                # Graph sometimes leaves out a breakdown's value of 0.
                if value or self.world.roll(page_id, name, breakdown, key, day) % 2:
                    yield PageRow(day, value, key)

    def is_small(self, page_id: str) -> bool:
        """Check for a Page with fewer than 100 likes, which has no insights."""
        return page_id in self.world.options.small_pages

    def followers(self, page_id: str, day: dt.date) -> int:
        """Return the number of followers at the end of a day."""
        if self.is_small(page_id):
            return SMALL_PAGE_FOLLOWERS
        totals = self._followers.setdefault(page_id, [FOLLOWERS_THEN])
        while len(totals) <= (day - FIRST_FOLLOWED_ON).days:
            next_day = FIRST_FOLLOWED_ON + dt.timedelta(days=len(totals))
            gained = self._number(page_id, "page_daily_follows", next_day)
            totals.append(totals[-1] + gained - self._number(page_id, "page_daily_unfollows_unique", next_day))
        return totals[max(0, (day - FIRST_FOLLOWED_ON).days)]

    def _number(self, page_id: str, name: str, day: dt.date) -> int:
        value = self._day_value(page_id, name, PAGE_METRICS[name].average, day, _WHOLE)
        assert isinstance(value, int)
        return value

    def _is_reported(self, page_id: str, name: str, metric: Metric, day: dt.date, now: dt.datetime) -> bool:
        """Check whether the day is over, not too old, and not one of the late days that are absent."""
        if not now - HISTORY < end_of(day) <= now:
            return False
        if self._share(page_id, day, now) == _WHOLE:
            return True
        if metric.kind in ("followers", "engaged", "audience"):
            return False  # never a part of the followers
        return self.world.roll(page_id, "late", day) % 3 != 2 or self.world.roll(page_id, name, "late", day) % 2 == 0

    def _share(self, page_id: str, day: dt.date, now: dt.datetime) -> int:
        """Return how much of a day is reported by now, per mille; for a late day 0, or a share that grows by the
        hour."""
        if not (late_hours := 24 * self.world.options.page_late_days):
            return _WHOLE
        hours = int((now - end_of(day)).total_seconds()) // 3600
        if hours >= late_hours:
            return _WHOLE
        return 0 if self.world.roll(page_id, "late", day) % 3 == 0 else _WHOLE * hours // late_hours

    def _value(
        self, page_id: str, name: str, metric: Metric, day: dt.date, period: str, now: dt.datetime
    ) -> Value:
        """Return the value of the period that ends with `day`."""
        match metric.kind:
            case "followers":
                return self.followers(page_id, day)
            case "engaged":
                return self.followers(page_id, day) * 300 // 1000
            case "audience":
                return followers_by_place(self.world, page_id, name, self.followers(page_id, day))
        days = [day - dt.timedelta(days=n) for n in range(DAYS_PER_PERIOD[period])]
        values = [self._day_value(page_id, name, metric.average, on, self._share(page_id, on, now)) for on in days]
        total = add_up(values)
        if metric.kind == "unique" and period != "day":
            assert isinstance(total, int)
            highest = max(value for value in values if isinstance(value, int))
            return max(highest, total * (500 + self.world.roll(page_id, name, period, day) % 200) // 1000)
        return total

    def _by_breakdown(
        self, page_id: str, name: str, metric: Metric, day: dt.date, period: str, breakdown: str, now: dt.datetime
    ) -> dict[str, int]:
        totals = {"0": 0, "1": 0}
        for n in range(DAYS_PER_PERIOD[period]):
            on = day - dt.timedelta(days=n)
            value = self._day_value(page_id, name, metric.average, on, self._share(page_id, on, now))
            for key, part in breakdown_parts(value, breakdown, self._drawn(page_id, on, _WHOLE)).items():
                totals[key] += part
        return totals

    def _compute_day_value(self, page_id: str, name: str, average: int, day: dt.date, share: int) -> Value:
        metrics = PAGE_METRICS if name in PAGE_METRICS else {name: Metric(kind="count", periods=(), average=average)}
        return derive(name, metrics, self._drawn(page_id, day, share))

    def _drawn(self, page_id: str, day: dt.date, share: int) -> Drawn:
        roll = self.world.roll
        return Drawn(
            count=lambda name, metric: (
                metric.average * (600 + roll(page_id, name, day) % 800) // 1000 * share // _WHOLE
            ),
            people=lambda name, total: total * (550 + roll(page_id, name, day) % 300) // 1000,
            per_mille=lambda of, pair: self._per_mille(page_id, of, pair, day),
        )

    def _compute_per_mille(self, page_id: str, of: str, pair: str, day: dt.date) -> int:
        draw = self.world.roll(page_id, of, pair, day)
        return 0 if draw % 6 == 0 else 120 + (draw >> 8) % 500


def latest_day(now: dt.datetime) -> dt.date:
    """Return the latest Pacific day that is over."""
    return pacific_day(now) - dt.timedelta(days=1)
