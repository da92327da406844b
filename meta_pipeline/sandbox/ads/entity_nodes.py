"""Campaigns, ad sets and ads as nodes (docs/graph-api.md §9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.ads.promoted_pages import promoted_page
from meta_pipeline.sandbox.world.delivery import minor_units
from meta_pipeline.sandbox.world.entities import Entity
from meta_pipeline.sandbox.world.world import World


def created_at(entity: Entity) -> dt.datetime:
    """Return when the entity was created."""
    return entity.created_at or dt.datetime.combine(entity.created_on, dt.time(10), entity.account.zone)


def updated_at(entity: Entity) -> dt.datetime:
    """Return when the entity was edited last."""
    if entity.edited_at:
        return entity.edited_at
    return entity.created_at or dt.datetime.combine(
        entity.ended_on or entity.created_on, dt.time(12), entity.account.zone
    )


def entity_node(
    entity: Entity, world: World, now: dt.datetime, creative: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the fields of a campaign, ad set or ad; `creative` is an ad's."""
    zone = world.zone(entity.account, now)
    created = _format_time(created_at(entity), zone)
    node: dict[str, Any] = {
        "id": entity.id, "account_id": entity.account.id, "name": entity.name, "status": entity.status,
        "configured_status": entity.status, "effective_status": entity.effective_status, "created_time": created,
        "updated_time": _format_time(updated_at(entity), zone), "issues_info": None, "recommendations": None,
    }
    if entity.kind == "campaign":
        return node | _campaign_fields(entity, created) | entity.fields
    if entity.kind == "adset":
        return node | _ad_set_fields(entity, created) | entity.fields
    review = {"ad_review_feedback": {"global": {"POLICY": "Not allowed here"}}} if entity.is_disapproved else {}
    return node | _ad_fields(entity, creative) | review


def _campaign_fields(campaign: Entity, created: str) -> dict[str, Any]:
    return {
        "_type": "Campaign", "objective": "OUTCOME_SALES", "buying_type": "AUCTION", "bid_strategy": None,
        "daily_budget": campaign.daily_budget, "lifetime_budget": None, "budget_remaining": "0", "spend_cap": None,
        "special_ad_categories": [], "start_time": created, "stop_time": None,
        "is_adset_budget_sharing_enabled": False, "smart_promotion_type": "GUIDED_CREATION",
    }


def usual_budget(currency: str) -> str:
    """Return the daily budget of an ad set whose budget was never set."""
    minor = minor_units(currency)
    return "5000" if minor == 1 else str(500 * minor)


def _ad_set_fields(ad_set: Entity, created: str) -> dict[str, Any]:
    """Return the fields that only ad sets have. Budgets are strings in the currency's minor unit."""
    campaign, budget = ad_set.parents[0], ad_set.daily_budget or usual_budget(ad_set.account.currency)
    return {
        "_type": "AdSet", "campaign_id": campaign.id, "campaign": _reference(campaign),
        "optimization_goal": "OFFSITE_CONVERSIONS", "billing_event": "IMPRESSIONS", "bid_amount": None,
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "daily_budget": budget, "lifetime_budget": "0",
        "budget_remaining": budget, "start_time": created, "end_time": None,
        "targeting": {"geo_locations": {"countries": ["US"]}}, "destination_type": "WEBSITE",
        "attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}],
        "promoted_object": {"page_id": promoted_page(ad_set.account).id}, "learning_stage_info": None,
        "dsa_beneficiary": None, "dsa_payor": None, "instagram_user_id": None,
    }


def _ad_fields(ad: Entity, creative: Mapping[str, Any] | None) -> dict[str, Any]:
    campaign, ad_set = ad.parents
    return {
        "_type": "Ad", "campaign_id": campaign.id, "adset_id": ad_set.id, "adset": _reference(ad_set),
        "campaign": _reference(campaign), "creative": creative, "tracking_specs": [], "conversion_specs": [],
        "preview_shareable_link": None, "ad_review_feedback": None,
    }


def _reference(entity: Entity) -> dict[str, Any]:
    """Return a parent as it is nested in another node: its id, and its name on request."""
    return {"_type": entity.kind.title(), "_shown": ("id",), "id": entity.id, "name": entity.name}


def _format_time(moment: dt.datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")
