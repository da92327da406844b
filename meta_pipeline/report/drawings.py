"""The charts of a document as images of a page: a wide one for a screen, a narrow one for a phone, and a text that
replaces them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meta_pipeline.display import printable
from meta_pipeline.report.charts.days import SpendDay, ViewsDay, spend_chart, views_chart
from meta_pipeline.report.charts.parts import age_chart, part_color
from meta_pipeline.report.charts.render import svg
from meta_pipeline.report.document import Day, Line, Organic, Section
from meta_pipeline.report.sections import total_of
from meta_pipeline.report.words import amount, decimals
from meta_pipeline.report.words import day as day_text

if TYPE_CHECKING:
    import altair as alt

WIDE, HALF, NARROW = 880, 480, 290  # pixels between the axes
DRAWN_SECTIONS, DRAWN_NODES = 12, 8  # the file stays small; tables have everything
_SIZE = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An SVG image inlined as a `data:` address."""

    address: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """A chart in both widths, and the text that replaces it."""

    wide: Image
    narrow: Image
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionCharts:
    """The charts of a section, and what their legends need to explain."""

    days: Images | None = None
    ages: Images | None = None
    genders: Sequence[tuple[str, str]] = ()
    age_lines: Sequence[Line] = ()
    has_previous: bool = False
    has_provisional: bool = False
    has_range: bool = False
    has_spend_range: bool = False


def section_charts(section: Section, *, is_drawn: bool) -> SectionCharts:
    """Draw a section; if it is not drawn, return only its lines by age."""
    groups = section.demographics.groups
    genders = sorted({group.key[1] for group in groups}, key=lambda gender: (gender == "unknown", gender))
    age_lines = [
        Line(name=age, totals=total_of(group.totals for group in groups if group.key[0] == age))
        for age in sorted({group.key[0] for group in groups})
    ]
    if not is_drawn:
        return SectionCharts(age_lines=age_lines)
    days = spend_days(section)
    return SectionCharts(
        days=_spend_images(section, days), ages=_age_images(section, genders) if groups else None,
        genders=[(gender, part_color(number)) for number, gender in enumerate(genders)], age_lines=age_lines,
        has_previous=any(day.earlier is not None for day in days),
        has_provisional=any(day.is_provisional for day in days),
        has_range=any(day.roas_low is not None for day in days),
        has_spend_range=any(day.spend_low is not None for day in days),
    )


def spend_days(section: Section) -> list[SpendDay]:
    """Return the days of a section for its chart; the previous period only if it was read."""
    return [_spend_day(day, has_previous=section.total.previous is not None) for day in section.days]


def organic_images(node: Organic) -> Images:
    """Draw a Page or an Instagram account."""
    days = views_days(node)
    best = max(node.days, key=lambda day: day.organic or 0)
    text = f"{node.measure} by day, most on {day_text(best.date_day)}: {best.organic or 0:,}."
    return _images(lambda width: views_chart(days, measure=node.measure, width=width), wide=HALF, alt=text)


def views_days(node: Organic) -> list[ViewsDay]:
    """Return the days of a node for its chart."""
    return [ViewsDay(day=day.date_day, organic=day.organic, paid=day.paid) for day in node.days]


def _spend_day(day: Day, *, has_previous: bool) -> SpendDay:
    spend, (spend_low, value_low), (spend_high, value_high) = day.totals.spend, day.low, day.high
    # From the bar to where it usually ends up; nothing where spend no longer changes.
    points = [float(end) for end in (spend, spend_low, spend_high) if end is not None]
    ends = points if len(points) == 3 and len(set(points)) > 1 else None
    return SpendDay(
        day=day.day, spend=None if spend is None else float(spend), is_provisional=day.is_provisional,
        earlier=float(day.previous.spend) if has_previous and day.previous.spend is not None else None,
        roas=None if day.totals.roas is None else float(day.totals.roas),
        spend_low=None if ends is None else min(ends), spend_high=None if ends is None else max(ends),
        roas_low=value_low / float(spend) if value_low is not None and spend else None,
        roas_high=value_high / float(spend) if value_high is not None and spend else None,
    )


def _spend_images(section: Section, days: Sequence[SpendDay]) -> Images | None:
    spent = [day for day in section.days if day.totals.spend is not None]
    if not spent:
        return None
    code = printable(section.currency, limit=8)
    total, most = section.total.totals, max(spent, key=lambda day: day.totals.spend or 0)
    text = (
        f"Spend and ROAS by day from {day_text(days[0].day)} to {day_text(days[-1].day)}: "
        f"{amount(total.spend, section.currency)} {code} in all, most on {day_text(most.day)}; "
        f"ROAS {decimals(total.roas)}. The table below has every day."
    )
    return _images(lambda width: spend_chart(days, currency=code, width=width), wide=WIDE, alt=text)


def _age_images(section: Section, genders: Sequence[str]) -> Images:
    code = printable(section.currency, limit=8)
    spend: Mapping[tuple[str, str], float] = {
        (group.key[0], group.key[1]): float(group.totals.spend or 0) for group in section.demographics.groups
    }
    (age, gender), most = max(spend.items(), key=lambda pair: pair[1])
    text = f"Spend by age and gender, most for {gender}, {age}: {most:,.0f} {code}. The table below has every group."
    return _images(
        lambda width: age_chart(spend, genders=genders, currency=code, width=width), wide=HALF, alt=printable(text)
    )


def _images(draw: Callable[[int], alt.TopLevelMixin], *, wide: int, alt: str) -> Images:
    return Images(wide=_image(draw(wide)), narrow=_image(draw(NARROW)), alt=alt)


def _image(chart: alt.TopLevelMixin) -> Image:
    text = svg(chart)
    size = _SIZE.match(text)
    width, height = (round(float(number)) for number in size.groups()) if size else (0, 0)
    address = f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
    return Image(address=address, width=width, height=height)
