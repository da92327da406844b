"""`GET /{ig-media}/insights`: checks a request as Graph does and renders lifetime values (docs/graph-api.md §3.4).

One metric that does not fit the kind of media cancels the request, with an error that depends on the metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.instagram.media import CAROUSEL_CHILD, STORY, Media
from meta_pipeline.sandbox.instagram.media_values import MEDIA_METRICS, MediaValues, media_metrics
from meta_pipeline.sandbox.instagram.rules import check_names, unknown_error
from meta_pipeline.sandbox.metrics.lives import added_metrics
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.versions import DEFAULT_VERSION, version_number
from meta_pipeline.sandbox.world.options import WorldOptions


@dataclass(frozen=True, kw_only=True)
class MediaInsights:
    """Answers `/{ig-media}/insights`."""

    values: MediaValues

    def answer(self, call: NodeCall, media: Media) -> dict[str, Any]:
        """Return the lifetime values of the requested metrics; raise the error that Graph returns for an invalid
        request, or for a story that too few people have viewed."""
        request, options = call.request, self.values.world.options
        if media.kind == CAROUSEL_CHILD:
            raise GraphApiError("(#100) Field is not available for Carousel children media", 100)
        names = list(dict.fromkeys(request.list_param("metric")))
        version = request.version or DEFAULT_VERSION
        check_names(names, _documented(version, options), queried="media", options=options, now=call.now)
        if wrong_periods := set(request.list_param("period")) - {"lifetime"}:
            raise GraphApiError(f"(#100) The metric {names[0]} does not support the period {min(wrong_periods)}", 100)
        _check_kind(names, media, options)
        breakdowns = request.list_param("breakdown")
        for name in names:
            if breakdowns and not set(breakdowns) <= set(_breakdowns(name)):
                raise unknown_error()
        if not self.values.has_enough_viewers(media, call.now):
            raise GraphApiError("(#10) Not enough viewers for the media to show insights", 10)
        values = self.values.values(media, call.now)
        return {"data": [self._entry(media, name, values[name], breakdowns) for name in names if name in values]}

    def _entry(self, media: Media, name: str, value: int | float, breakdowns: list[str]) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "name": name, "period": "lifetime", "values": [{"value": value}],
            "title": name.replace("_", " ").capitalize(), "description": "",
        }
        if breakdowns:
            parts = self.values.breakdown(media, name, breakdowns[0], int(value))
            results = [{"dimension_values": [key], "value": part} for key, part in parts.items()]
            entry["total_value"] = {
                "value": value, "breakdowns": [{"dimension_keys": breakdowns[:1], "results": results}]
            }
        return {**entry, "id": f"{media.id}/insights/{name}/lifetime"}


def _documented(version: str, options: WorldOptions) -> list[str]:
    """Return the metrics of every kind of media that a version has."""
    names = [
        name for name, metric in MEDIA_METRICS.items()
        if version_number(metric.since_version) <= version_number(version)
    ]
    return [*names, *added_metrics("media", options), *added_metrics("story", options)]


def _check_kind(names: list[str], media: Media, options: WorldOptions) -> None:
    """Raise the error of metrics that the kind of media does not have: two have their own error, and the error of the
    others names them all."""
    wrong = [name for name in names if name not in media_metrics(media, options)]
    if "facebook_views" in wrong:
        raise GraphApiError(
            "Invalid parameter", 100, subcode=2207086, is_transient=False, user_title="Incompatible media type",
            user_msg="The metric is not available for this type of media.",
        )
    if "total_views" in wrong and media.kind == STORY:
        raise GraphApiError("(#200) Insufficient permission to read this metric of the media", 200, status=403)
    if wrong:
        names_text = ", ".join(wrong)
        raise GraphApiError(
            f"(#100) The Media Insights API does not support the {names_text} metric for this media product type.", 100
        )


def _breakdowns(name: str) -> dict[str, dict[str, int]]:
    return (MEDIA_METRICS[name].breakdowns or {}) if name in MEDIA_METRICS else {}
