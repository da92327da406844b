"""Nodes and edges: what each object shows of itself (graph-api.md §4.3, §5.2, §9)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.facts import minor_units
from meta_pipeline.sandbox.nouns import OWN, PARTNERS, Account, Business, Page, Shared
from meta_pipeline.sandbox.world import World

_ACCOUNT_TASKS = ["DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"]
_PAGE_TASKS = ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"]


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
    zone, minor = world.zone(one, now), minor_units(one.currency)
    offset = now.astimezone(zone).utcoffset() or dt.timedelta()
    recent = now.astimezone(zone).date() - dt.timedelta(days=1)
    spent = sum(world.fact(ad, recent, now).spend for ad in world.ads_of(one.id)) * minor // 1_000_000
    return {
        "_type": "AdAccount", "id": f"act_{one.id}", "account_id": one.id, "name": one.name, "account_status": 1,
        "disable_reason": 0, "currency": one.currency, "timezone_id": 1, "timezone_name": zone.key,
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


BUSINESSES = {one.id: one for one in (OWN, *PARTNERS)}
