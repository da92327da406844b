"""The values of an Instagram account by Pacific day, as Meta reports them at an instant (docs/graph-api.md §3.4).

Every value comes from hash(seed, account, metric, day). A late value is absent, and so are some zeros.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Sequence

from meta_pipeline.sandbox.instagram.account_metrics import ACCOUNT_METRICS, BREAKDOWNS, INTERACTIONS
from meta_pipeline.sandbox.metrics.lives import added_metrics
from meta_pipeline.sandbox.metrics.pacific import end_of, pacific_day
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

FOLLOWS_READY_AFTER = dt.timedelta(hours=26)
FIRST_DAY = dt.date(2024, 11, 1)
_SMALL_FOLLOWERS = 73
_FOLLOWS, _UNFOLLOWS = ("follows", 21), ("unfollows", 8)
# One person views several products: their reach adds up to more than the account's.
_UNIQUE_OVERLAP_PER_MILLE = 1400

Cells = dict[tuple[str, ...], int]


class AccountValues:
    """The values of every account of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._followers_gained = functools.lru_cache(maxsize=None)(self._sum_followers_gained)

    def followers(self, page: Page, now: dt.datetime) -> int:
        """Return the account's followers at the end of the last complete day."""
        if page.instagram_id in self.world.options.small_instagram:
            return _SMALL_FOLLOWERS
        base = 20_000 + self.world.roll(page.instagram_id, "followers") % 20_000
        return base + self._followers_gained(page.instagram_id, pacific_day(now))

    def follows(self, account_id: str, day: dt.date) -> dict[str, int]:
        """Return the new follows (FOLLOWER) and the unfollows (NON_FOLLOWER) of a day."""
        return {
            "FOLLOWER": self._drawn(account_id, *_FOLLOWS, day),
            "NON_FOLLOWER": self._drawn(account_id, *_UNFOLLOWS, day),
        }

    def is_ready(self, name: str, day: dt.date, now: dt.datetime) -> bool:
        """Check whether Meta has processed a day of a metric by `now`."""
        late = dt.timedelta(hours=self.world.options.instagram_late_hours)
        if name == "follows_and_unfollows":
            late = max(late, FOLLOWS_READY_AFTER)
        return end_of(day) + late <= now

    def day(self, account_id: str, name: str, day: dt.date) -> int:
        """Return the value of one day once it is processed."""
        if name == "follower_count":
            return self.follows(account_id, day)["FOLLOWER"]
        if name == "total_interactions":
            return sum(self.day(account_id, part, day) for part in INTERACTIONS)
        metric = ACCOUNT_METRICS.get(name)
        average = metric.average if metric else added_metrics("instagram_account", self.world.options)[name]
        return self._drawn(account_id, name, average, day)

    def is_sent(self, account_id: str, name: str, day: dt.date, now: dt.datetime) -> bool:
        """Check whether a response contains the value of a day: it is processed, and not a 0 that Meta leaves out."""
        if not self.is_ready(name, day, now):
            return False
        return self.day(account_id, name, day) > 0 or self._shows_zero(account_id, name, day)

    def total(self, account_id: str, name: str, days: Sequence[dt.date], now: dt.datetime) -> int | None:
        """Return the value over several days, which is not their sum where people are counted; None if it is absent."""
        sent = [self.day(account_id, name, day) for day in days if self.is_sent(account_id, name, day, now)]
        return _over_days(sent, is_unique=_is_unique(name)) if sent else None

    def breakdown(
        self, account_id: str, name: str, breakdowns: Sequence[str], days: Sequence[dt.date], now: dt.datetime
    ) -> Cells:
        """Return the values over several days by the breakdowns' values; some cells that are 0 are left out."""
        by_cell: dict[tuple[str, ...], list[int]] = {}
        for day in days:
            if self.is_sent(account_id, name, day, now):
                for cell, value in self._day_cells(account_id, name, tuple(breakdowns), day).items():
                    by_cell.setdefault(cell, []).append(value)
        totals = {cell: _over_days(values, is_unique=_is_unique(name)) for cell, values in by_cell.items()}
        return {
            cell: value for cell, value in totals.items()
            if value or self._shows_zero(account_id, name, *cell, days[0])
        }

    def follow_changes(self, account_id: str, days: Sequence[dt.date], now: dt.datetime) -> Cells:
        """Return follows and unfollows over the days that are processed; empty if none is."""
        ready = [self.follows(account_id, day) for day in days if self.is_ready("follows_and_unfollows", day, now)]
        if not ready:
            return {}
        return {(kind,): sum(changes[kind] for changes in ready) for kind in ("FOLLOWER", "NON_FOLLOWER")}

    def online_followers(self, page: Page, day: dt.date) -> dict[str, int]:
        """Return how many followers were online by hour of a day."""
        followers = self.followers(page, end_of(day))
        return {
            str(hour): followers * (80 + self.world.roll(page.instagram_id, "online", day, hour) % 320) // 1000
            for hour in range(24)
        }

    def _day_cells(self, account_id: str, name: str, breakdowns: tuple[str, ...], day: dt.date) -> Cells:
        """Return one day's value by the breakdowns' values, in the order of the breakdowns.

        The value is split in the order of the metric's own breakdowns, so that every selection of them agrees.
        """
        own = ACCOUNT_METRICS[name].breakdowns
        split_by = own[: 1 + max((own.index(breakdown) for breakdown in breakdowns), default=-1)]
        parts: Cells = {(): self.day(account_id, name, day)}
        for breakdown in split_by:
            parts = {
                (*cell, key): part
                for cell, value in parts.items()
                for key, part in self._split(account_id, name, breakdown, value, (day, *cell)).items()
            }
        cells: Cells = {}
        for part, value in parts.items():
            cell = tuple(part[split_by.index(breakdown)] for breakdown in breakdowns)
            cells[cell] = cells.get(cell, 0) + value
        return cells

    def _split(
        self, account_id: str, name: str, breakdown: str, value: int, context: tuple[object, ...]
    ) -> dict[str, int]:
        """Return a value's parts by one breakdown, with shares that vary by day; they add up unless people overlap."""
        weights = {
            key: weight * (50 + self.world.roll(account_id, name, breakdown, key, *context) % 100)
            for key, weight in BREAKDOWNS[breakdown].items()
        }
        whole = sum(weights.values())
        if _is_unique(name) and breakdown == "media_product_type":
            overlapping = value * _UNIQUE_OVERLAP_PER_MILLE // 1000
            return {key: min(value, overlapping * weight // whole) for key, weight in weights.items()}
        bounds = [0, *itertools.accumulate(weights.values())]
        return {
            key: value * upper // whole - value * lower // whole
            for key, (lower, upper) in zip(weights, itertools.pairwise(bounds), strict=True)
        }

    def _sum_followers_gained(self, account_id: str, today: dt.date) -> int:
        changes = [
            self.follows(account_id, FIRST_DAY + dt.timedelta(days=n)) for n in range((today - FIRST_DAY).days)
        ]
        return sum(change["FOLLOWER"] - change["NON_FOLLOWER"] for change in changes)

    def _drawn(self, account_id: str, name: str, average: int, day: dt.date) -> int:
        """Return between 40 and 160 percent of the account's own average; on a tenth of the days a rare event has
        none."""
        draw = self.world.roll(account_id, name, day)
        if average < 50 and draw % 10 == 0:
            return 0
        own_average = average * (60 + self.world.roll(account_id, name, "size") % 80)
        return own_average * (40 + (draw >> 8) % 121) // 10_000

    def _shows_zero(self, *parts: object) -> bool:
        return self.world.roll("zero", *parts) % 2 == 0


def _is_unique(name: str) -> bool:
    return name in ACCOUNT_METRICS and ACCOUNT_METRICS[name].is_unique


def _over_days(values: list[int], *, is_unique: bool) -> int:
    """Return the value over days: the sum, or less where a person on several days counts once."""
    if not is_unique:
        return sum(values)
    most = max(values)
    return most + (sum(values) - most) * 45 // 100
