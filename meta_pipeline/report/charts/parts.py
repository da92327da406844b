"""A chart of spend by age and gender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from meta_pipeline.report.charts import theme
from meta_pipeline.report.charts.axes import table, value_axis

if TYPE_CHECKING:
    import altair as alt


def age_chart(
    spend: Mapping[tuple[str, str], float], *, genders: Sequence[str], currency: str, width: int
) -> alt.Chart:
    """Return bars of spend by age, one per gender in the order given; the keys are age and gender."""
    import altair as alt

    rows = [{"age": age, "gender": gender, "spend": value} for (age, gender), value in spend.items()]
    axis = value_axis(f"Spend, {currency}", ticks=4)
    chart: alt.Chart = (
        alt.Chart(table(rows)).mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=alt.X("age:O", axis=alt.Axis(title=None), scale=alt.Scale(paddingInner=0.25)),
            xOffset=alt.XOffset("gender:N", sort=list(genders)),
            y=alt.Y("spend:Q", axis=axis),
            color=alt.Color(
                "gender:N", legend=None,
                scale=alt.Scale(domain=list(genders), range=[part_color(number) for number in range(len(genders))]),
            ),
        )
        .properties(width=width, height=170)
    )
    return chart


def part_color(number: int) -> str:
    """Return the colour of a category by its position."""
    return theme.PARTS[number % len(theme.PARTS)]
