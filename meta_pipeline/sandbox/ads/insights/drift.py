"""Unannounced changes of Meta's rows, switched on by `POST /_sandbox/world {"drift": […]}`."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.protocol.versions import version_number
from meta_pipeline.sandbox.world.options import WorldOptions

# Strings that look like numbers and stay strings.
_NEVER_NUMBERS = frozenset(("frequency_value",))


def drift_in_version(options: WorldOptions, version: str) -> frozenset[str]:
    """Return the drift that an API version shows."""
    return options.drift if version_number(version) >= version_number(options.drift_from) else frozenset()


def apply_drift(row: dict[str, Any], drift: frozenset[str]) -> dict[str, Any]:
    """Return the row after a change: `new_field` an unrequested field, `new_action` an unknown action type,
    `new_window` an unrequested attribution window, `numbers` JSON numbers instead of strings, ids too."""
    changed = {
        name: [dict(action) for action in value] if isinstance(value, list) else value for name, value in row.items()
    }
    if "new_field" in drift:
        changed["new_metric"] = "1"
    if "new_action" in drift and "actions" in changed:
        changed["actions"].append({"action_type": "onsite_conversion.new_action", "value": "3"})
    if "new_window" in drift:
        for action in (*changed.get("actions", ()), *changed.get("action_values", ())):
            action["3d_click"] = action["value"]
    if "numbers" in drift:
        return {name: _to_number(value, name) for name, value in changed.items()}
    return changed


def _to_number(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [{key: _to_number(inner, key) for key, inner in action.items()} for action in value]
    if not isinstance(value, str) or name.endswith("_name") or name in _NEVER_NUMBERS:
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value
