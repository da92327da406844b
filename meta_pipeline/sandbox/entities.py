"""Campaigns, ad sets and ads as nodes, and the edges that list them (graph-api.md §9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.answers import Ask, Refused
from meta_pipeline.sandbox.facts import minor_units
from meta_pipeline.sandbox.nouns import Entity
from meta_pipeline.sandbox.world import World


def _at(moment: dt.datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def created_at(one: Entity) -> dt.datetime:
    """When it was made."""
    return one.made_at or dt.datetime.combine(one.created, dt.time(10), one.account.zone)


def updated_at(one: Entity) -> dt.datetime:
    """When it was edited last."""
    if one.changed_at:
        return one.changed_at
    return one.made_at or dt.datetime.combine(one.ended or one.created, dt.time(12), one.account.zone)


def entity(one: Entity, world: World, now: dt.datetime, creative: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A campaign, ad set or ad node, an ad with its creative. Budgets are strings in the currency's minor unit."""
    zone, minor = world.zone(one.account, now), minor_units(one.account.currency)
    budget = one.daily_budget or ("5000" if minor == 1 else str(500 * minor))
    made, updated = _at(created_at(one), zone), _at(updated_at(one), zone)
    node: dict[str, Any] = {
        "id": one.id, "account_id": one.account.id, "name": one.name, "status": one.status,
        "configured_status": one.status, "effective_status": one.effective_status, "created_time": made,
        "updated_time": updated, "issues_info": None, "recommendations": None,
    }
    if one.kind == "campaign":
        return node | {
            "_type": "Campaign", "objective": "OUTCOME_SALES", "buying_type": "AUCTION", "bid_strategy": None,
            "daily_budget": one.daily_budget, "lifetime_budget": None, "budget_remaining": "0", "spend_cap": None,
            "special_ad_categories": [], "start_time": made, "stop_time": None,
            "is_adset_budget_sharing_enabled": False, "smart_promotion_type": "GUIDED_CREATION",
        }
    campaign = one.parents[0]
    if one.kind == "adset":
        return node | {
            "_type": "AdSet", "campaign_id": campaign.id, "campaign": _named(campaign),
            "optimization_goal": "OFFSITE_CONVERSIONS", "billing_event": "IMPRESSIONS", "bid_amount": None,
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "daily_budget": budget, "lifetime_budget": "0",
            "budget_remaining": budget, "start_time": made, "end_time": None,
            "targeting": {"geo_locations": {"countries": ["US"]}}, "destination_type": "WEBSITE",
            "attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}],
            "promoted_object": {"page_id": "3000000000001"}, "learning_stage_info": None, "dsa_beneficiary": None,
            "dsa_payor": None, "instagram_user_id": None,
        }
    return node | {
        "_type": "Ad", "campaign_id": campaign.id, "adset_id": one.parents[1].id, "adset": _named(one.parents[1]),
        "campaign": _named(campaign), "creative": creative, "tracking_specs": [], "conversion_specs": [],
        "preview_shareable_link": None, "ad_review_feedback": None,
    }


def _named(one: Entity) -> dict[str, Any]:
    """A thing inside another: its id, and its name on request."""
    return {"_type": one.kind.title(), "_shown": ("id",), "id": one.id, "name": one.name}


_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": lambda time, bound: time > bound,
    "GREATER_THAN_OR_EQUAL": lambda time, bound: time >= bound,
    "LESS_THAN": lambda time, bound: time < bound,
    "LESS_THAN_OR_EQUAL": lambda time, bound: time <= bound,
}


def listed(ask: Ask, found: list[Entity]) -> list[Entity]:
    """An edge's entities. Without a status filter archived and deleted ones are out; DELETED in it is an error.
    `updated_time` is filtered by unix seconds, with or without the kind before it."""
    statuses = ask.words("effective_status")
    if ask.params.get("updated_since"):
        found = _updated(found, "GREATER_THAN_OR_EQUAL", ask.params["updated_since"])
    for rule in ask.json("filtering", []) or []:
        name, value = str(rule.get("field", "")), rule.get("value")
        if name.endswith("effective_status"):
            statuses = [str(one) for one in value]
        elif name.rpartition(".")[2] == "updated_time":
            found = _updated(found, str(rule.get("operator")), value)
        elif name.endswith(".id") or name == "id":
            found = [one for one in found if one.id in [str(each) for each in value]]
    if "DELETED" in statuses:
        raise Refused(
            "(#100) Filtering by the status DELETED is not supported on this edge", 100, subcode=1815001
        )
    if statuses:
        return [one for one in found if one.effective_status in statuses]
    return [one for one in found if one.effective_status not in ("DELETED", "ARCHIVED")]


def _updated(found: list[Entity], operator: str, value: Any) -> list[Entity]:
    if operator not in _COMPARED:
        raise Refused(f"(#100) Filtering field updated_time with operation {operator.lower()} is not supported", 100)
    try:
        bound = float(value)
    except (TypeError, ValueError):
        raise Refused("(#100) Filtering value of updated_time must be a timestamp", 100) from None
    return [one for one in found if _COMPARED[operator](int(updated_at(one).timestamp()), bound)]
