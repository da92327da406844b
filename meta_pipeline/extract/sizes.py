"""How much to ask for at once: pages that grow while they work, ranges that shrink where they did not. No I/O.

Meta publishes no largest page (graph-api.md §2.5, §15.5): what works is learned per account and report, and forgotten
after a while, because Meta's mind changes with its load."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

FIRST_PAGE, GROWTH = 500, 4
# Up to so many days or rows a synchronous read costs fewer calls than a report run with its looks.
SYNCHRONOUS_DAYS, SYNCHRONOUS_ROWS = 3, 1500
# Report runs that are done sooner are looked at right away: a look more costs less than it takes to know better.
WORTH_WAITING_S = 3.0
# So long a refusal is believed.
BELIEVED_FOR = dt.timedelta(days=7)


@dataclass(slots=True)
class Sizes:
    """What was learned of one report of one account. `page`: rows to ask for next; `page_refused`: the smallest page
    that was too much; `days`: the longest range that came back whole; `days_refused`: the shortest that was too much;
    `rows_a_day`: how many rows a day had lately; `sync_refused`: the shortest range, in days, that was too much for a
    synchronous read; `seconds`: how long a report run took last, when that was long enough to wait for."""

    largest_page: int
    page: int = FIRST_PAGE
    page_refused: int | None = None
    days: int | None = None
    days_refused: int | None = None
    rows_a_day: float | None = None
    sync_refused: int | None = None
    refused_at: dt.datetime | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        self.page = min(self.page, self.largest_page)

    def believed(self, now: dt.datetime) -> Sizes:
        """The same without refusals that are too old to be believed."""
        if self.refused_at is not None and now - self.refused_at >= BELIEVED_FOR:
            self.page_refused = self.days_refused = self.sync_refused = self.refused_at = None
        return self

    def page_worked(self, rows: int) -> None:
        """A full page came back: the next one may be larger, up to half-way to what was refused."""
        if rows < self.page:
            return
        larger = min(self.page * GROWTH, self.largest_page)
        if self.page_refused is not None:
            larger = min(larger, (self.page + self.page_refused) // 2)
        if larger >= self.page * 5 // 4:
            self.page = larger

    def page_was_refused(self, now: dt.datetime) -> bool:
        """A page was too much: half of it is tried. False when it was no larger than everybody's: then it is the range
        that is too much."""
        if self.page <= FIRST_PAGE:
            return False
        self.page_refused = min(self.page, self.page_refused or self.page)
        self.page, self.refused_at = max(FIRST_PAGE, self.page // 2), now
        return True

    def range_worked(self, days: int, rows: int) -> None:
        """A range came back whole."""
        self.days = max(days, self.days or 0)
        self.rows_a_day = rows / days

    def range_was_refused(self, days: int, now: dt.datetime) -> None:
        """A range was too much."""
        self.days_refused, self.refused_at = min(days, self.days_refused or days), now
        if self.days is not None and self.days >= self.days_refused:
            self.days = None

    def is_synchronous(self, days: int, *, rows_a_day: float | None = None) -> bool:
        """Whether a range is read at once instead of by a report run, which costs its POST and the looks at it: while
        it is short, or known to be small. `rows_a_day`: where the report itself says (an account has one)."""
        if self.sync_refused is not None and days >= self.sync_refused:
            return False
        known = rows_a_day if rows_a_day is not None else self.rows_a_day
        return days <= SYNCHRONOUS_DAYS or (known is not None and known * days <= SYNCHRONOUS_ROWS)

    def sync_was_refused(self, days: int, now: dt.datetime) -> None:
        """A range was too much at once; as a report run it may come."""
        self.sync_refused, self.refused_at = min(days, self.sync_refused or days), now

    def run_took(self, seconds: float) -> None:
        """A report run was done when it was looked at so long after it was asked for."""
        self.seconds = seconds if seconds >= WORTH_WAITING_S else None

    def longest_range(self, wanted: int) -> int:
        """How many days to ask for at once: all of them until that was refused, then what is known to work."""
        if self.days_refused is None or wanted < self.days_refused:
            return wanted
        return max(1, self.days or self.days_refused // 2)
