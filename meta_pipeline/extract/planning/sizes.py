"""Learn how much to request at once: pages that grow while they succeed, ranges that shrink after a refusal. No I/O.

Meta publishes no largest page (docs/graph-api.md §2.5, §15.5): what succeeds is learned per node and report, and
forgotten after a while, because the limits change with Meta's load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field

from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges

FIRST_PAGE, SMALLEST_PAGE, GROWTH = 1000, 25, 4
# Up to this many days or rows, a synchronous read costs fewer calls than a report run with its polls.
SYNCHRONOUS_DAYS, SYNCHRONOUS_ROWS = 3, 1500
# How long a refusal is valid.
REFUSAL_VALID_FOR = dt.timedelta(days=7)


@dataclass(slots=True)
class Sizes:
    """The limits learned for one report of one node. `page`: rows to request next; `page_refused`: the smallest page
    that was refused; `page_succeeded`: the largest page that was returned full; `days`: the longest range that was
    returned completely; `days_refused`: the shortest that was too much; `rows_per_day`: rows per day of the last read;
    `sync_refused`: the shortest range, in days, that was too much for a synchronous read. `is_range_at_fault`: even the
    smallest page was refused, so smaller pages are not tried step by step again; `is_at_limit`: a page that grew was
    refused, so it does not grow again before the next run. The last two are not stored."""

    largest_page: int
    _: KW_ONLY
    page: int = FIRST_PAGE
    page_refused: int | None = None
    days: int | None = None
    days_refused: int | None = None
    rows_per_day: float | None = None
    sync_refused: int | None = None
    refused_at: dt.datetime | None = None
    page_succeeded: int | None = None
    is_range_at_fault: bool = False
    is_at_limit: bool = False

    def __post_init__(self) -> None:
        self.page = min(self.page, self.largest_page)

    def expire_refusals(self, now: dt.datetime) -> Sizes:
        """Drop refusals that are no longer valid, and return `self`. The limit of a refused page is doubled instead,
        so that a page grows back with few refusals."""
        if self.refused_at is not None and now - self.refused_at >= REFUSAL_VALID_FOR:
            self.days_refused = self.sync_refused = None
            larger = (self.page_refused or self.largest_page) * 2
            self.page_refused = larger if larger <= self.largest_page else None
            self.refused_at = now if self.page_refused is not None else None
        return self

    def page_worked(self, rows: int) -> None:
        """Grow the page after a full one was returned, at most half-way to the smallest that was refused."""
        if rows < self.page:
            return
        self.is_range_at_fault = False
        self.page_succeeded = max(self.page, self.page_succeeded or 0)
        if self.is_at_limit:
            return
        larger = min(self.page * GROWTH, self.largest_page)
        if self.page_refused is not None:
            larger = min(larger, (self.page + self.page_refused) // 2)
        if larger >= self.page * 5 // 4:
            self.page = larger

    def page_was_refused(self, now: dt.datetime) -> bool:
        """Shrink the page after a refusal: to the largest that was returned full, else to half of it, down to
        SMALLEST_PAGE. Return False when the page was that small already: then the range is too much."""
        if self.page <= SMALLEST_PAGE:
            self.page_refused, self.is_range_at_fault = None, True
            self.page = min(self.largest_page, self.page_succeeded or FIRST_PAGE)
            return False
        self.page_refused, self.refused_at = min(self.page, self.page_refused or self.page), now
        if self.is_range_at_fault:
            self.page = SMALLEST_PAGE
        elif self.page_succeeded is not None and self.page_succeeded < self.page:
            self.page, self.is_at_limit = max(SMALLEST_PAGE, self.page_succeeded), True
        else:
            self.page, self.page_succeeded = max(SMALLEST_PAGE, self.page // 2), None
        return True

    def range_succeeded(self, days: int, rows: int) -> None:
        """Learn from a range of this many days that was returned completely."""
        self.days = max(days, self.days or 0)
        self.rows_per_day = rows / days

    def range_was_refused(self, days: int, now: dt.datetime) -> None:
        """Learn from a range of this many days that was too much."""
        self.days_refused, self.refused_at = min(days, self.days_refused or days), now
        if self.days is not None and self.days >= self.days_refused:
            self.days = None

    def is_synchronous(self, days: int, *, rows_per_day: float | None = None) -> bool:
        """Check that a range is short, or known to be small, so that it is read without a report run, which costs a
        POST and polls. `rows_per_day`: if the report defines it (account level: 1)."""
        if self.sync_refused is not None and days >= self.sync_refused:
            return False
        expected = rows_per_day if rows_per_day is not None else self.rows_per_day
        return days <= SYNCHRONOUS_DAYS or (expected is not None and expected * days <= SYNCHRONOUS_ROWS)

    def sync_was_refused(self, days: int, now: dt.datetime) -> None:
        """Learn from a range that was too much for a synchronous read; as a report run it may succeed."""
        self.sync_refused, self.refused_at = min(days, self.sync_refused or days), now

    def longest_range(self, wanted: int) -> int:
        """Return how many days to request at once: all `wanted` days until that many were refused, then as many as are
        known to succeed."""
        if self.days_refused is None or wanted < self.days_refused:
            return wanted
        return max(1, self.days or self.days_refused // 2)


@dataclass(slots=True)
class FixedSizes:
    """A page size that never grows. With `may_shrink` it shrinks after a refusal, for a read that started again after
    Meta forgot its cursor, perhaps because the page size changed. Without, the caller handles a refusal: it requests
    less."""

    sizes: Sizes
    may_shrink: bool = True
    page: int = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.sizes.page

    def page_worked(self, rows: int) -> None:
        """Keep the size."""

    def page_was_refused(self, now: dt.datetime) -> bool:
        """Shrink the page, as `Sizes` does, if that is allowed."""
        is_smaller = self.may_shrink and self.sizes.page_was_refused(now)
        self.page = self.sizes.page
        return is_smaller


def plan_ranges(sizes: Sizes, days: Iterable[dt.date], *, most: int | None = None) -> list[Range]:
    """Return as few ranges as the days allow, each as long as is known to succeed and no longer than `most` days."""
    return [
        part
        for whole in contiguous_ranges(days)
        for part in whole.split(min(sizes.longest_range(len(whole.days)), most or len(whole.days)))
    ]
