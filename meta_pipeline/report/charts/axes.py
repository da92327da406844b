"""The data of a chart, and its axis of values, with the title above it rather than beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

_SHORT = "format(datum.value, '~s')"  # 200, 12k, 3M


def table(rows: Sequence[Mapping[str, Any]]) -> alt.Data:
    """Return rows as the data of a chart: in its specification, without a file."""
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]


def value_axis(title: str, *, ticks: int = 3) -> alt.Axis:
    """Return a vertical axis with short numbers."""
    import altair as alt

    return alt.Axis(title=title, labelExpr=_SHORT, tickCount=ticks, titleX=0, titleY=-12, titleBaseline="bottom")
