"""The usual later change of a day's figures, by the age of the day when it was read. It is computed from all versions
of days that were read again later, changed or not.

Changes are relative, so that days of all accounts and currencies can be compared."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.report.marts.account_days import COVERAGE
from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.period import Period

SPANS, HISTORY = "facebook_ads__restatement_report", "facebook_ads__ad_report_history"
AGES = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 28))  # days, both included
_LEAST_SAMPLES = 4
# A day's age is 0 until it ends. A version counts once its day was read again, at least a day later.
_VERSIONS = """
with conversions as (
    select account_id, date_day, valid_from, sum(conversions_value) as value
    from marts.facebook_ads__ad_report_history group by account_id, date_day, valid_from
),

versions as (
    select spans.account_id, spans.date_day, spans.is_current, spans.spend, conversions.value,
        date_diff('day', spans.date_day, cast(spans.valid_from at time zone 'UTC' as date)) as age,
        date_diff('day', spans.date_day, cast(days.read_at at time zone 'UTC' as date)) as last_age
    from marts.facebook_ads__restatement_report as spans
    inner join marts.fct_report_coverage as days
        on spans.report = days.report and spans.account_id = days.account_id and spans.date_day = days.date_day
    left join conversions
        on spans.account_id = conversions.account_id and spans.date_day = conversions.date_day
        and spans.valid_from = conversions.valid_from
    where spans.report = 'ad_insights'
)

select versions.age, versions.spend, latest.spend, versions.value, latest.value
from versions
inner join versions as latest
    on versions.account_id = latest.account_id and versions.date_day = latest.date_day and latest.is_current
where versions.last_age > versions.age and versions.age between 0 and 28
"""
_AGES_NOW = """
select account_id, date_day, date_diff('day', date_day, cast(read_at at time zone 'UTC' as date))
from marts.fct_report_coverage where report = 'ad_insights' and date_day between ? and ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The usual relative change: the median, and the range of four of five days."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, changes: Sequence[float]) -> Spread:
        """Return the deciles of some changes."""
        if len(changes) < 2:
            return cls(low=changes[0], middle=changes[0], high=changes[0])
        deciles = statistics.quantiles(changes, n=10, method="inclusive")
        return cls(low=deciles[0], middle=statistics.median(changes), high=deciles[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeChange:
    """The usual change of days that were read at an age; None for a measure that no sample has."""

    since_age: int
    until_age: int
    samples: int
    spend: Spread | None
    value: Spread | None


def usual_changes(marts: PublishedMarts) -> list[AgeChange]:
    """Return the usual change by age, the youngest first; ages with too few samples are left out."""
    required = marts.has(SPANS) and marts.has(HISTORY, "conversions_value") and marts.has(COVERAGE, "read_at")
    samples = marts.rows(_VERSIONS) if required else []
    changes = []
    for since, until in AGES:
        versions = [values for age, *values in samples if since <= age <= until]
        if len(versions) >= _LEAST_SAMPLES:
            changes.append(AgeChange(
                since_age=since, until_age=until, samples=len(versions),
                spend=_spread([(spend, latest) for spend, latest, _, _ in versions]),
                value=_spread([(value, latest) for _, _, value, latest in versions]),
            ))
    return changes


def ages_when_read(marts: PublishedMarts, period: Period) -> dict[tuple[str, dt.date], int]:
    """Return the age at which each account-day was read last."""
    if not marts.has(COVERAGE, "read_at"):
        return {}
    rows = marts.rows(_AGES_NOW, [period.since, period.until])
    return {(account_id, day): max(age, 0) for account_id, day, age in rows}


def change_at(age: int, changes: Sequence[AgeChange]) -> AgeChange | None:
    """Return the usual change at an age. A day younger than every sampled one changes at least as the youngest does;
    None for an age between or above the sampled ones."""
    if changes and age < changes[0].since_age:
        return changes[0]
    return next((change for change in changes if change.since_age <= age <= change.until_age), None)


def _spread(pairs: Sequence[tuple[object, object]]) -> Spread | None:
    changes = [float(str(latest)) / float(str(before)) - 1 for before, latest in pairs if before and latest is not None]
    return Spread.of(changes) if changes else None
