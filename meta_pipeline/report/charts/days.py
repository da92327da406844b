"""Charts with a bar for each day: spend with ROAS below, and organic views with paid impressions below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meta_pipeline.report.charts import theme
from meta_pipeline.report.charts.axes import table, value_axis

if TYPE_CHECKING:
    import altair as alt

_LABEL = "utcFormat(toDate(datum.value), '%-d %b')"
_LABEL_WIDTH = 52  # pixels that the label of a day needs


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendDay:
    """A day's spend and ROAS in one currency. `…_low` and `…_high`: where days of this age usually end up."""

    day: dt.date
    spend: float | None
    earlier: float | None = None
    roas: float | None = None
    spend_low: float | None = None
    spend_high: float | None = None
    roas_low: float | None = None
    roas_high: float | None = None
    is_provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsDay:
    """A day's views without an ad, and the impressions of the ads that promote the Page."""

    day: dt.date
    organic: int | None
    paid: int | None


def spend_chart(days: Sequence[SpendDay], *, currency: str, width: int, title: str | None = None) -> alt.VConcatChart:
    """Return bars of spend, shaded where a day is provisional, ticks for the days of the previous period, and a line of
    ROAS below. Bands show how much days of that age usually still change."""
    import altair as alt

    base = _base(days)
    x, bare_x = _x(days, width), _x(days, width, has_labels=False)
    ground = base.transform_filter("datum.is_provisional").mark_rect(color=theme.PROVISIONAL_GROUND)
    spend_axis = value_axis(f"Spend, {currency}", ticks=4)
    bars = base.mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2).encode(
        y=alt.Y("spend:Q", axis=spend_axis),
        color=alt.condition("datum.is_provisional", alt.value("white"), alt.value(theme.SPEND)),
        stroke=alt.value(theme.SPEND),
        strokeDash=alt.condition("datum.is_provisional", alt.value([3, 2]), alt.value([0])),
    )
    earlier = base.mark_tick(color=theme.EARLIER, thickness=2).encode(y="earlier:Q")
    spend_range = base.mark_rule(color=theme.INK, strokeWidth=2).encode(y="spend_low:Q", y2="spend_high:Q")
    spend = alt.layer(ground, bars, earlier, spend_range).encode(x=bare_x).properties(width=width, height=170)
    roas_axis = value_axis("ROAS")
    band = base.mark_bar(color=theme.RETURN_BAND).encode(y=alt.Y("roas_low:Q", axis=roas_axis), y2="roas_high:Q")
    line = base.mark_line(color=theme.RETURN, strokeWidth=2, point={"color": theme.RETURN, "size": 22}).encode(
        y=alt.Y("roas:Q", axis=roas_axis)
    )
    roas = alt.layer(ground, band, line).encode(x=x).properties(width=width, height=90)
    return _stacked([spend, roas], title)


def views_chart(
    days: Sequence[ViewsDay], *, measure: str, width: int, title: str | None = None
) -> alt.VConcatChart:
    """Return bars of views and, where ads promote the Page, bars of paid impressions below."""
    import altair as alt

    base = _base(days)
    parts = [("organic", measure, theme.ORGANIC)]
    if any(day.paid is not None for day in days):
        parts.append(("paid", "Impressions of ads", theme.PAID))
    panels = []
    for number, (field, name, color) in enumerate(parts):
        axis = value_axis(name)
        is_last = number == len(parts) - 1
        panels.append(
            base.mark_bar(color=color).encode(x=_x(days, width, has_labels=is_last), y=alt.Y(f"{field}:Q", axis=axis))
            .properties(width=width, height=90)
        )
    return _stacked(panels, title)


def _base(days: Sequence[Any]) -> alt.Chart:
    import altair as alt

    return alt.Chart(table([{**asdict(day), "day": day.day.isoformat()} for day in days]))


def _x(days: Sequence[Any], width: int, *, has_labels: bool = True) -> alt.X:
    """Return the axis of days, with as many labels as fit."""
    import altair as alt

    step = max(1, -(-len(days) * _LABEL_WIDTH // width))
    shown = [day.day.isoformat() for day in days[::step]]
    axis = alt.Axis(title=None, values=shown, labelExpr=_LABEL, labels=has_labels, ticks=has_labels)
    # The first layer has only the provisional days: without a domain they would come first.
    scale = alt.Scale(domain=[day.day.isoformat() for day in days], paddingInner=0.25, paddingOuter=0.1)
    return alt.X("day:O", sort=None, axis=axis, scale=scale)


def _stacked(panels: Sequence[Any], title: str | None) -> alt.VConcatChart:
    import altair as alt

    chart = alt.vconcat(*panels, spacing=26)
    return chart.properties(title=title) if title else chart
