"""The axis of values, with its title above it rather than beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

_SHORT = "format(datum.value, '~s')"  # 200, 12k, 3M


def value_axis(title: str, *, ticks: int = 3) -> alt.Axis:
    """Return a vertical axis with short numbers."""
    import altair as alt

    return alt.Axis(title=title, labelExpr=_SHORT, tickCount=ticks, titleX=0, titleY=-12, titleBaseline="bottom")
