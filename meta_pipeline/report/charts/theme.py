"""Colours and fonts that every chart shares with the page. Text has a contrast of 4.5 and more on white."""

from __future__ import annotations

from typing import Any

INK, SOFT, LINE, GRID = "#16202e", "#55606f", "#c9d1dc", "#e7ebf1"
SPEND, RETURN, EARLIER = "#2f5fd0", "#b4461a", "#7c8798"
RETURN_BAND, PROVISIONAL_GROUND = "#f3d3c4", "#fff0cc"
ORGANIC, PAID = "#15806f", "#2f5fd0"
PARTS = ("#2f5fd0", "#15806f", "#9aa5b5", "#b4461a")  # categories, in their order
# vl-convert contains the second font; text in a font that is not installed would not be drawn.
FONT = "Liberation Sans, Arial, sans-serif"

CONFIG: dict[str, Any] = {
    "aria": False,  # the page describes every chart, and each mark's own label would double the size
    "background": "white",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "gridColor": GRID, "domainColor": LINE, "tickColor": LINE, "tickSize": 4, "labelPadding": 5,
    },
    "axisY": {"domain": False, "ticks": False, "tickCount": 4, "titleAngle": 0, "titleAlign": "left",
        "titleAnchor": "end"},
    "axisX": {"grid": False, "labelAngle": 0},
    "title": {"anchor": "start", "color": INK, "fontSize": 13, "subtitleColor": SOFT, "subtitleFontSize": 12,
        "offset": 8},
    "legend": {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12},
}
