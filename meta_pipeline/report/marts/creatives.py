"""Creatives by the spend of their ads. Ads whose creative is not known are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.report.marts.account_days import ADS, NO_CURRENCY
from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.marts.totals import MEASURES, Totals
from meta_pipeline.report.period import Period

_ADS, _CREATIVES = "dim_ads", "dim_creatives"
_TOP = """
with ads as (
    select ad_id, max_by(creative_id, valid_from) as creative_id from marts.dim_ads
    where creative_id is not null group by ad_id
),

creatives as (
    select * from marts.dim_creatives
    qualify row_number() over (partition by creative_id order by is_current desc, valid_from desc) = 1
),

sums as (
    select report.currency, ads.creative_id, count(distinct report.ad_id) as ads, {sums}
    from marts.facebook_ads__ad_report as report
    inner join ads on report.ad_id = ads.ad_id
    where report.date_day between ? and ?
    group by report.currency, ads.creative_id
)

select sums.currency, sums.creative_id, sums.ads, creatives.creative_name, {title}, {body}, {object_type}, {thumbnail},
    {measures}
from sums
inner join creatives on sums.creative_id = creatives.creative_id
where sums.spend > 0
qualify row_number() over (partition by sums.currency order by sums.spend desc, sums.creative_id) <= ?
order by sums.currency, sums.spend desc, sums.creative_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creative:
    """A creative and the sums of its ads in one currency. `thumbnail`: the path of its picture, which may be gone."""

    currency: str
    creative_id: str
    ads: int
    name: str | None
    title: str | None
    body: str | None
    object_type: str | None
    thumbnail: str | None
    totals: Totals


def top_creatives(marts: PublishedMarts, period: Period, *, limit: int) -> Sequence[Creative]:
    """Return the creatives with most spend in each currency."""
    if not (marts.has(ADS) and marts.has(_ADS, "creative_id", "valid_from") and marts.has(_CREATIVES, "is_current")):
        return ()
    texts = {
        name: f"creatives.{column}" if marts.has(_CREATIVES, column) else "null"
        for name, column in (
            ("title", "title"), ("body", "body"), ("object_type", "object_type"), ("thumbnail", "thumbnail_path")
        )
    }
    sums = ", ".join(
        f"sum(report.{name}) as {name}" if marts.has(ADS, name) else f"null as {name}" for name in MEASURES
    )
    measures = ", ".join(f"sums.{name}" for name in MEASURES)
    rows = marts.rows(_TOP.format(sums=sums, measures=measures, **texts), [period.since, period.until, limit])
    return [
        Creative(
            currency=row[0] or NO_CURRENCY, creative_id=row[1], ads=row[2], name=row[3], title=row[4], body=row[5],
            object_type=row[6], thumbnail=row[7], totals=Totals(**dict(zip(MEASURES, row[8:], strict=True))),
        )
        for row in rows
    ]
