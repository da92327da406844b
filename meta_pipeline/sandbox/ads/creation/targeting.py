"""Check an ad set's targeting, which has the placements inside (docs/graph-api.md §10, §1.3)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.ads.creation.rules import POSITIONS, PUBLISHERS, invalid
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall


def check_targeting(call: NodeCall, targeting: dict[str, Any]) -> None:
    """Raise error 100 for targeting that Meta rejects."""
    if misplaced := sorted({*POSITIONS, "publisher_platforms", "device_platforms"} & set(call.request.params)):
        raise GraphApiError(f"(#100) {misplaced[0]} is not a parameter of an ad set: it belongs in targeting", 100)
    places = targeting.get("geo_locations")
    if not isinstance(places, dict) or not places:
        raise invalid("Your ad set must target at least one place.", title="Location Is Missing")
    automation = targeting.get("targeting_automation")
    if not isinstance(automation, dict) or automation.get("advantage_audience") not in (0, 1):
        raise invalid(
            "To create your ad set, you need to enable or disable the Advantage audience feature.",
            title="Advantage Audience Flag Required",
        )
    publishers = targeting.get("publisher_platforms", [])
    if unknown := [word for word in publishers if word not in PUBLISHERS]:
        raise invalid(f"There is no platform {unknown[0]}.", title="Unknown Placement")
    for name, words in POSITIONS.items():
        positions = targeting.get(name, [])
        if positions and name.removesuffix("_positions") not in publishers:
            raise invalid(f"{name} needs its platform in publisher_platforms.", title="Placement Without Platform")
        for position in positions:
            if position not in words:  # video_feeds since v24.0, Instagram's explore since v26.0
                raise invalid(f"The placement {position} is no longer available.", title="Deprecated Placement")
