"""What Meta changes without a word, to order: `POST /_sandbox/world {"drift": […]}`."""

from __future__ import annotations

from typing import Any


def drifted(row: dict[str, Any], drift: frozenset[str]) -> dict[str, Any]:
    """The row as it comes after such a change: `new_field` a field nobody asked for, `new_action` an action type nobody
    knows, `new_window` an attribution window nobody asked for, `numbers` JSON numbers where strings were, ids too."""
    shown = {name: [dict(one) for one in value] if isinstance(value, list) else value for name, value in row.items()}
    if "new_field" in drift:
        shown["new_metric"] = "1"
    if "new_action" in drift and "actions" in shown:
        shown["actions"].append({"action_type": "onsite_conversion.new_action", "value": "3"})
    if "new_window" in drift:
        for one in (*shown.get("actions", ()), *shown.get("action_values", ())):
            one["3d_click"] = one["value"]
    if "numbers" in drift:
        return {name: _number(value, name) for name, value in shown.items()}
    return shown


def _number(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [{key: _number(inner, key) for key, inner in one.items()} for one in value]
    if not isinstance(value, str) or name.endswith("_name") or name in _WORDS:
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


_WORDS = frozenset(("frequency_value",))
