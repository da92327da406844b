"""The content of a report: a section for each currency, and the organic figures. No HTML and no chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.report.marts.creatives import Creative
from meta_pipeline.report.marts.groups import Group
from meta_pipeline.report.marts.organic import OrganicDay
from meta_pipeline.report.marts.reach import Reach
from meta_pipeline.report.marts.restatement import AgeChange
from meta_pipeline.report.marts.totals import Totals
from meta_pipeline.report.marts.trust import Doubt
from meta_pipeline.report.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of a section. `low` and `high`: spend and value where days of this age usually end up; None if unknown."""

    day: dt.date
    totals: Totals
    previous: Totals
    is_provisional: bool
    low: tuple[float | None, float | None] = (None, None)
    high: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a table. `previous`: its totals in the previous period, None if that was not read."""

    name: str
    totals: Totals
    detail: str = ""
    previous: Totals | None = None
    reach: Reach | None = None
    is_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The lines of a breakdown, and the days that it covers."""

    lines: Sequence[Line]
    groups: Sequence[Group]
    days: Period | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All figures in one currency."""

    currency: str
    total: Line
    accounts: Sequence[Line]
    days: Sequence[Day]
    campaigns: Sequence[Line]
    placements: Breakdown
    demographics: Breakdown
    creatives: Sequence[Creative]
    missing: Sequence[str]  # sentences on days that were not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Organic:
    """A Page or an Instagram account. `measure`: the name of the figure `organic`, which for an Instagram account
    counts all views."""

    name: str
    kind: str
    measure: str
    days: Sequence[OrganicDay]
    organic: int | None
    paid: int | None
    previous_organic: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report. `provisional`: the provisional days, each with the names of its accounts; `period`: None if there are
    no figures."""

    built_at: dt.datetime
    covers: Period | None
    period: Period | None
    provisional: Sequence[tuple[dt.date, Sequence[str]]]
    sections: Sequence[Section]
    organic: Sequence[Organic]
    changes: Sequence[AgeChange]
    doubts: Sequence[Doubt]
    build_id: str | None = None
