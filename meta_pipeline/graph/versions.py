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


# What a version brings that this pipeline meets (graph-api.md §1.3).
CHANGES: dict[str, tuple[str, ...]] = {
    "v25.0": (
        "failed report runs tell error_message, error_subcode, error_user_title and error_user_msg",
        "breakdowns product_group_id and product_set_id_breakdown are gone",
        "Advantage+ shopping and app campaigns can't be created any more",
    ),
    "v26.0": (
        "Instagram Explore placement and poll creatives are rejected on create",
        "marketing_messages_website_* are gone; instagram_profile_follow, shop_clicks, mmp_credited_install are new",
        "advantage_audience must be an explicit 0 or 1 for restricted categories",
    ),
}


def after(surface: Surface, version: str) -> str | None:
    """The next version of a surface, None when none is known."""
    known = list(USABLE_UNTIL[surface])
    place = known.index(version) + 1 if version in known else len(known)
    return known[place] if place < len(known) else None
