"""Meta's rate limits, as data: the budgets of a call, how fast each refills, and which error code means which budget.

Sources: docs/graph-api.md §6 (D-GRL, D-MRL). Windows are published; how a budget refills inside its window is not, so
`pace.py` assumes a steady refill at first and corrects it from the usage headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind

HOUR_S, DAY_S, SCORE_DECAY_S = 3600.0, 86_400.0, 300.0

# Seconds after which a used-up budget is completely free again, by kind.
WINDOW_S = {
    "platform": HOUR_S, "insights_load": HOUR_S, "score": SCORE_DECAY_S, "ads_insights": HOUR_S,
    "ads_management": HOUR_S, "custom_audience": HOUR_S, "pages": DAY_S, "instagram": DAY_S, "leadgen": DAY_S,
    "messenger": DAY_S, "reach": DAY_S,
}

# How long to wait when the response does not say it. The score blocks 300 s on the limited tier, 60 s on the full one.
# Rolling windows report their minutes in a header; without it, the first guess doubles each time it was too short.
BLOCK_S = {"score": 300.0, "platform": 360.0, "insights_load": 360.0, "pages": 3600.0, "instagram": 3600.0}
FULL_TIER_SCORE_BLOCK_S = 60.0

# Code → kind of budget that is used up. Code 4 with INSIGHTS_LOAD_SUBCODES is the app's insights load.
CLOSED_BY: dict[int, str] = {
    4: "platform", 17: "score", 32: "platform", 341: "platform", 613: "score", 80000: "ads_insights", 80001: "pages",
    80002: "instagram", 80003: "custom_audience", 80004: "ads_management", 80005: "leadgen", 80006: "messenger",
    80008: "ads_management", 80009: "ads_management", 80014: "ads_management",
}
INSIGHTS_LOAD_SUBCODES = (1504022, 1504039)

APP_BUDGETS = ("platform", "insights_load")
OF_ORGANIC_NODES = frozenset(("pages", "instagram"))
PLATFORM = ("platform",)
_ACCOUNT = re.compile(r"act_\d+")


@dataclass(frozen=True, slots=True)
class Charge:
    """One budget that a call is charged to: of the app (`node_id` None) or of the app and a node."""

    kind: str
    node_id: str | None = None

    def key(self, app_id: str | None) -> str:
        """Return its key in the budgets table."""
        return "/".join(part for part in (f"app:{app_id or 'unknown'}", self.node_id, self.kind) if part)


def node_of(key: str) -> tuple[str | None, str]:
    """Return the node (None for the app's own) and the kind of a budget, from its key."""
    parts = key.split("/")
    return (parts[1] if len(parts) == 3 else None), parts[-1]


def charges(kind: CallKind | WriteKind, path: str, node_id: str | None) -> tuple[Charge, ...]:
    """Return the budgets of a call. `node_id`: the node whose data is read, for paths that don't name it (of a report
    run, an ad, a media)."""
    if set(kind.value.budgets) <= OF_ORGANIC_NODES:
        node = node_id or re.split("[/_]", path.lstrip("/"), maxsplit=1)[0]
        return tuple(Charge(name, node) for name in kind.value.budgets)
    match = _ACCOUNT.match(path.lstrip("/"))
    account = match[0] if match else node_id if node_id and _ACCOUNT.fullmatch(node_id) else None
    if kind.value.budgets != PLATFORM and account is None:
        return (Charge("platform"),)
    return tuple(Charge(name, None if name in APP_BUDGETS else account) for name in kind.value.budgets)


def closed_by(code: int | None, subcode: int | None, charged: tuple[Charge, ...]) -> Charge:
    """Return the budget that a throttling error is about: the one of its code, else the call's first."""
    kind = "insights_load" if code == 4 and subcode in INSIGHTS_LOAD_SUBCODES else CLOSED_BY.get(code or 0, "")
    return next((charge for charge in charged if charge.kind == kind), charged[0])


@dataclass(frozen=True, slots=True)
class UsageReading:
    """The usage of one budget in a response: percent used, and the seconds until it is free again if given."""

    percent: float
    regain_s: float = 0.0
    window_s: float | None = None


def readings(usage: Mapping[str, Any], charged: tuple[Charge, ...]) -> dict[Charge, UsageReading]:
    """Return what the usage headers report for the budgets of this call; `usage` is the result of `usage_of`."""
    by_charge: dict[Charge, UsageReading] = {}
    throttle = usage.get("insights", {})
    for charge in charged:
        match charge.kind:
            case "platform":
                percent = _highest(usage.get("app"), "call_count", "total_cputime", "total_time")
                reading = None if percent is None else UsageReading(percent)
            case "insights_load":
                percent = _highest(throttle, "app_id_util_pct")
                reading = None if percent is None else UsageReading(percent)
            case "score":
                reading = _score(usage.get("ad_account"))
            case _:
                reading = _use_case(usage.get("business_use_case"), charge)
                percent = _highest(throttle, "acc_id_util_pct") if charge.kind == "ads_insights" else None
                if percent is not None and (reading is None or percent > reading.percent):
                    reading = UsageReading(percent, reading.regain_s if reading else 0.0)
        if reading is not None:
            by_charge[charge] = reading
    return by_charge


def tier_of(usage: Mapping[str, Any]) -> str | None:
    """Return the access tier that a response names: `development_access` or `standard_access`."""
    entries = [usage.get("ad_account"), usage.get("insights")]
    by_node = usage.get("business_use_case")
    for listed in by_node.values() if isinstance(by_node, dict) else []:
        entries += listed if isinstance(listed, list) else []
    tiers = [entry.get("ads_api_access_tier") for entry in entries if isinstance(entry, dict)]
    return next((tier for tier in tiers if isinstance(tier, str)), None)


def _score(account: Any) -> UsageReading | None:
    percent = _highest(account, "acc_id_util_pct")
    if percent is None:
        return None
    return UsageReading(percent, number(account, "reset_time_duration") if percent >= 100 else 0.0)


def _use_case(by_node: Any, charge: Charge) -> UsageReading | None:
    """Return the entry of this node and use case. The key is the node's digits (docs/graph-api.md §6.1)."""
    if not isinstance(by_node, dict):
        return None
    entries = by_node.get((charge.node_id or "").removeprefix("act_"))
    if entries is None:  # keyed by another id, perhaps a business (open: docs/graph-api.md §15.9)
        entries = [entry for listed in by_node.values() if isinstance(listed, list) for entry in listed]
    highest: UsageReading | None = None
    for entry in entries if isinstance(entries, list) else []:
        percent = _highest(entry, "call_count", "total_cputime", "total_time")
        if percent is not None and entry.get("type") == charge.kind and (highest is None or percent > highest.percent):
            highest = UsageReading(percent, number(entry, "estimated_time_to_regain_access") * 60)  # minutes
    return highest


def _highest(values: Any, *names: str) -> float | None:
    if not isinstance(values, dict):
        return None
    return max((number(values, name) for name in names if name in values), default=None)


def number(values: Any, name: str) -> float:
    """Return a number of a header; 0 for anything that is not a plausible number."""
    value = values.get(name) if isinstance(values, dict) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return 0.0
