"""Turn charts into SVG and PNG, in this process: no browser, no file, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from meta_pipeline.report.charts import theme

if TYPE_CHECKING:
    import altair as alt

_NO_URLS: list[str] = []


def svg(chart: alt.TopLevelMixin) -> str:
    """Return the chart as the text of an SVG image."""
    import vl_convert

    return vl_convert.vegalite_to_svg(_specification(chart), allowed_base_urls=_NO_URLS)


def png(chart: alt.TopLevelMixin, *, scale: float = 1.0) -> bytes:
    """Return the chart as a PNG image."""
    import vl_convert

    return vl_convert.vegalite_to_png(_specification(chart), scale=scale, allowed_base_urls=_NO_URLS)


def jpeg(chart: alt.TopLevelMixin, *, quality: int) -> bytes:
    """Return the chart as a JPEG image, a quarter of the PNG's size."""
    import vl_convert

    return vl_convert.vegalite_to_jpeg(_specification(chart), quality=quality, allowed_base_urls=_NO_URLS)


def _specification(chart: alt.TopLevelMixin) -> str:
    return orjson.dumps({**chart.to_dict(validate=False), "config": theme.CONFIG}).decode()
