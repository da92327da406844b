"""Until when each version lives, per surface (graph-api.md §1.1: D-GVER, D-MVT, read 2026-11-22). Data."""

from __future__ import annotations

import datetime as dt

from meta_pipeline.graph.request import Surface

# None: not announced yet.
USABLE_UNTIL: dict[Surface, dict[str, dt.date | None]] = {
    "graph": {
        "v21.0": dt.date(2027, 1, 21), "v22.0": dt.date(2027, 5, 20), "v23.0": dt.date(2027, 10, 8),
        "v24.0": dt.date(2028, 2, 18), "v25.0": dt.date(2028, 7, 29), "v26.0": None,
    },
    "marketing": {
        "v21.0": dt.date(2025, 9, 9), "v22.0": dt.date(2026, 2, 19), "v23.0": dt.date(2026, 6, 9),
        "v24.0": dt.date(2026, 10, 6), "v25.0": None, "v26.0": None,
    },
}


def trouble_with(surface: Surface, version: str, *, today: dt.date, ahead_days: int = 60) -> str | None:
    """What is wrong with a pin: unknown, dead or about to die; None when it is good."""
    known = USABLE_UNTIL[surface]
    if version not in known:
        return f"{version} is unknown for the {surface} surface: {', '.join(known)} are known"
    end = known[version]
    if end is None:
        return None
    if end <= today:
        return f"{version} ended for the {surface} surface on {end}: raise the pin"
    if (end - today).days <= ahead_days:
        return f"{version} ends for the {surface} surface on {end}: raise the pin before"
    return None
