"""Nodes and edges: what each object shows of itself (graph-api.md §4.3, §5.2, §9)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.answers import Ask, Refused
from meta_pipeline.sandbox.world import OWN, PARTNERS, ZERO_DECIMAL, Account, Business, Entity, Page, Shared, World

_ACCOUNT_TASKS = ["DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"]
_PAGE_TASKS = ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"]


def _at(day: dt.date, account: Account, hour: int = 10) -> str:
    moment = dt.datetime.combine(day, dt.time(hour), account.zone)
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def business(one: Business) -> dict[str, Any]:
    """A business node."""
    return {
        "_type": "Business", "id": one.id, "name": one.name, "verification_status": "verified",
        "created_time": "2020-01-01T00:00:00+0000", "timezone_id": 1, "primary_page": None, "link": None,
        "two_factor_type": "none",
    }


def account(
    one: Account, world: World, now: dt.datetime, *, sees_business: bool, tasks: list[str] | None = None
) -> dict[str, Any]:
    """An ad account node; its business is readable with `business_management` only."""
    offset = now.astimezone(one.zone).utcoffset() or dt.timedelta()
    minor = 1 if one.currency in ZERO_DECIMAL else 100
    recent = now.astimezone(one.zone).date() - dt.timedelta(days=1)
    spent = sum(world.fact(ad, recent, now).spend for ad in world.ads_of(one.id)) * minor // 1_000_000
    return {
        "_type": "AdAccount", "id": f"act_{one.id}", "account_id": one.id, "name": one.name, "account_status": 1,
        "disable_reason": 0, "currency": one.currency, "timezone_id": 1, "timezone_name": one.timezone,
        "timezone_offset_hours_utc": offset.total_seconds() / 3600,
        "business": {"id": one.business.id, "name": one.business.name} if sees_business else None,
        "owner": one.business.id if sees_business else None, "amount_spent": str(spent * 30), "balance": "0",
        "spend_cap": "0", "age": 400.5, "created_time": "2024-05-01T09:00:00+0000",
        "user_tasks": tasks or _ACCOUNT_TASKS, "tasks": tasks or _ACCOUNT_TASKS, "is_personal": 0,
        "min_daily_budget": minor, "attribution_spec": None,
        "business_name": one.business.name, "funding_source": None,
        "access_type": "OWNER" if one.business == OWN else "AGENCY",
    }


def page(
    one: Page, token: str | None, *, sees_business: bool, tasks: list[str] | None = None
) -> dict[str, Any]:
    """A Page node; its token only in the answers that give one."""
    return {
        "_type": "Page", "id": one.id, "name": one.name, "category": "Brand", "access_token": token,
        "category_list": [{"id": "1", "name": "Brand"}], "tasks": tasks or _PAGE_TASKS, "fan_count": 12000,
        "followers_count": 12400, "link": f"https://www.facebook.com/{one.id}", "username": one.instagram_name,
        "business": {"id": one.business.id, "name": one.business.name} if sees_business else None,
        "instagram_business_account": {"id": one.instagram_id, "username": one.instagram_name},
        "connected_instagram_account": {"id": one.instagram_id},
    }


def shared(one: Shared) -> dict[str, Any]:
    """A pixel or catalog node."""
    owner = {"id": one.business.id, "name": one.business.name}
    return {"_type": "AdsPixel", "id": one.id, "name": one.name, "owner_business": owner, "business": owner}


def instagram(one: Page) -> dict[str, Any]:
    """An Instagram account node."""
    return {
        "_type": "IGUser", "id": one.instagram_id, "username": one.instagram_name, "name": one.name,
        "followers_count": 5400, "follows_count": 120, "media_count": 80, "biography": None, "website": None,
        "profile_picture_url": None,
    }


def entity(one: Entity) -> dict[str, Any]:
    """A campaign, ad set or ad node. Budgets are strings in the currency's minor unit."""
    changed = one.ended or one.created
    budget = "5000" if one.account.currency in ZERO_DECIMAL else "50000"
    configured = one.status if one.status in ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED") else "ACTIVE"
    node: dict[str, Any] = {
        "id": one.id, "account_id": one.account.id, "name": one.name, "status": configured,
        "configured_status": configured, "effective_status": one.status, "created_time": _at(one.created, one.account),
        "updated_time": _at(changed, one.account, 12), "issues_info": None, "recommendations": None,
    }
    if one.kind == "campaign":
        return node | {
            "_type": "Campaign", "objective": "OUTCOME_SALES", "buying_type": "AUCTION", "bid_strategy": None,
            "daily_budget": None, "lifetime_budget": None, "budget_remaining": "0", "spend_cap": None,
            "special_ad_categories": [], "start_time": _at(one.created, one.account), "stop_time": None,
            "is_adset_budget_sharing_enabled": False, "smart_promotion_type": "GUIDED_CREATION",
        }
    campaign = one.parents[0]
    if one.kind == "adset":
        return node | {
            "_type": "AdSet", "campaign_id": campaign.id, "campaign": {"id": campaign.id},
            "optimization_goal": "OFFSITE_CONVERSIONS", "billing_event": "IMPRESSIONS", "bid_amount": None,
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "daily_budget": budget, "lifetime_budget": "0",
            "budget_remaining": budget, "start_time": _at(one.created, one.account), "end_time": None,
            "targeting": {"geo_locations": {"countries": ["US"]}}, "destination_type": "WEBSITE",
            "attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}],
            "promoted_object": {"page_id": "3000000000001"}, "learning_stage_info": None,
        }
    return node | {
        "_type": "Ad", "campaign_id": campaign.id, "adset_id": one.parents[1].id, "adset": {"id": one.parents[1].id},
        "campaign": {"id": campaign.id}, "creative": {"id": one.id.replace("12023", "12024", 1)},
        "tracking_specs": [], "conversion_specs": [], "preview_shareable_link": None, "ad_review_feedback": None,
    }


def listed(ask: Ask, found: list[Entity]) -> list[Entity]:
    """An edge's entities. Without a status filter archived and deleted ones are out; DELETED in it is an error."""
    statuses = ask.words("effective_status")
    for rule in ask.json("filtering", []) or []:
        name, value = str(rule.get("field", "")), rule.get("value")
        if name.endswith("effective_status"):
            statuses = [str(one) for one in value]
        elif name.endswith("updated_time") and rule.get("operator") == "GREATER_THAN":
            found = [one for one in found if _updated(one) > int(value)]
        elif name.endswith(".id") or name == "id":
            found = [one for one in found if one.id in [str(each) for each in value]]
    if "DELETED" in statuses:
        raise Refused(
            "(#100) Filtering by the status DELETED is not supported on this edge", 100, subcode=1815001
        )
    if statuses:
        return [one for one in found if one.status in statuses]
    return [one for one in found if one.status not in ("DELETED", "ARCHIVED")]


def _updated(one: Entity) -> int:
    moment = dt.datetime.combine(one.ended or one.created, dt.time(12), one.account.zone)
    return int(moment.timestamp())


BUSINESSES = {one.id: one for one in (OWN, *PARTNERS)}
