"""The nodes that more than one subject returns: ad accounts and Pages (docs/graph-api.md §4.3, §5.2, §9)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.world.cast import OWN_BUSINESS
from meta_pipeline.sandbox.world.delivery import minor_units
from meta_pipeline.sandbox.world.entities import Account, Business, Page
from meta_pipeline.sandbox.world.world import World

_ACCOUNT_TASKS = ["DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"]
_PAGE_TASKS = ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"]


def account_node(
    account: Account, world: World, now: dt.datetime, *, business: Business | None, tasks: list[str] | None = None
) -> dict[str, Any]:
    """Return an ad account's fields. `business`: its owner, None where there is none or the token may not see it."""
    zone, minor = world.zone(account, now), minor_units(account.currency)
    offset = now.astimezone(zone).utcoffset() or dt.timedelta()
    yesterday = now.astimezone(zone).date() - dt.timedelta(days=1)
    spent = sum(world.delivery(ad, yesterday, now).spend for ad in world.ads_of(account.id)) * minor // 1_000_000
    return {
        "_type": "AdAccount", "id": f"act_{account.id}", "account_id": account.id, "name": account.name,
        "account_status": 1, "disable_reason": 0, "currency": account.currency, "timezone_id": 1,
        "timezone_name": zone.key, "timezone_offset_hours_utc": offset.total_seconds() / 3600,
        "business": business_field(business), "owner": business.id if business else None,
        "amount_spent": str(spent * 30), "balance": "0",
        "spend_cap": "0", "age": 400.5, "created_time": "2024-05-01T09:00:00+0000",
        "user_tasks": _ACCOUNT_TASKS if tasks is None else tasks, "tasks": _ACCOUNT_TASKS if tasks is None else tasks,
        "is_personal": 0,
        "min_daily_budget": minor, "attribution_spec": None,
        "business_name": account.business.name, "funding_source": None,
        "access_type": "OWNER" if account.business == OWN_BUSINESS else "AGENCY",
    }


def page_node(
    page: Page, token: str | None, *, business: Business | None, tasks: list[str] | None = None
) -> dict[str, Any]:
    """Return a Page's fields; `token` is its access token, for the paths that return one, `business` its owner."""
    return {
        "_type": "Page", "id": page.id, "name": page.name, "category": "Brand", "access_token": token,
        "category_list": [{"id": "1", "name": "Brand"}], "tasks": _PAGE_TASKS if tasks is None else tasks,
        "fan_count": 12000,
        "followers_count": 12400, "link": f"https://www.facebook.com/{page.id}", "username": page.instagram_name,
        "business": business_field(business),
        "instagram_business_account": {"id": page.instagram_id, "username": page.instagram_name},
        "connected_instagram_account": {"id": page.instagram_id},
    }


def business_field(business: Business | None) -> dict[str, str] | None:
    """Return a portfolio as a field of a node that it owns."""
    return None if business is None else {"id": business.id, "name": business.name}
