"""Campaigns, ad sets and ads: the fields that a creation or a change sets, after the checks that Meta makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from meta_pipeline.sandbox.ads.creation.rules import (
    CREATED_STATUSES,
    OBJECTIVES,
    SPECIAL_CATEGORIES,
    STATUSES,
    amount,
    boolean,
    invalid,
    json_object,
    one_of,
    required,
)
from meta_pipeline.sandbox.ads.creation.targeting import check_targeting
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.delivery import minor_units
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

FindCreative = Callable[[str, Account], bool]
_MOST_NAME = 400


def campaign_fields(call: NodeCall, account: Account) -> dict[str, Any]:
    """Return the fields of a new campaign."""
    categories = call.request.json_param("special_ad_categories")
    if categories is None:
        raise GraphApiError("(#100) The parameter special_ad_categories is required", 100)
    categories = [one_of("special_ad_categories", str(each), SPECIAL_CATEGORIES) for each in categories]
    daily, lifetime = amount(call, "daily_budget"), amount(call, "lifetime_budget")
    sharing = boolean(call, "is_adset_budget_sharing_enabled")
    if daily is None and lifetime is None and sharing is None:
        raise invalid(
            "Must specify True or False in is_adset_budget_sharing_enabled field if you are not using campaign budget.",
            title="Must Specify Budget Sharing",
        )
    if daily is not None:
        _check_minimum(daily, account)
    return {
        "objective": one_of("objective", required(call, "objective"), OBJECTIVES),
        "special_ad_categories": [each for each in categories if each != "NONE"],
        "is_adset_budget_sharing_enabled": bool(sharing),
        "buying_type": call.request.params.get("buying_type", "AUCTION"),
        "bid_strategy": call.request.params.get("bid_strategy"), **_budgets(daily, lifetime), **_spend_cap(call),
    }


def ad_set_fields(call: NodeCall, account: Account, world: World) -> tuple[Entity, dict[str, Any]]:
    """Return the campaign and the fields of a new ad set."""
    campaign = _parent(world.campaigns.get(required(call, "campaign_id")), account, call.request.params["campaign_id"])
    targeting = json_object(call, "targeting")
    check_targeting(call, targeting)
    daily, lifetime = amount(call, "daily_budget"), amount(call, "lifetime_budget")
    if campaign.daily_budget or campaign.fields.get("lifetime_budget"):
        if daily or lifetime:
            raise invalid("The campaign has the budget already.", title="Can't Set Ad Set Budget")
    elif daily is None and lifetime is None:
        raise invalid("Your ad set must have a budget.", title="Budget Is Missing")
    if daily is not None:
        _check_minimum(daily, account)
    fields: dict[str, Any] = {
        "targeting": targeting, "optimization_goal": required(call, "optimization_goal"),
        "billing_event": required(call, "billing_event"),
        "bid_strategy": call.request.params.get("bid_strategy", "LOWEST_COST_WITHOUT_CAP"),
        "promoted_object": call.request.json_param("promoted_object"),
        "destination_type": call.request.params.get("destination_type", "UNDEFINED"), "attribution_spec": None,
        **_budgets(daily, lifetime, of_ad_set=True),
    }
    for name in ("start_time", "end_time"):
        if text := call.request.params.get(name):
            fields[name] = _moment(name, text, account)
    for name in ("dsa_beneficiary", "dsa_payor"):
        fields[name] = call.request.params.get(name)
    return campaign, fields


def ad_fields(
    call: NodeCall, account: Account, world: World, has_creative: FindCreative
) -> tuple[Entity, dict[str, Any]]:
    """Return the ad set and the fields of a new ad."""
    ad_set = _parent(world.ad_sets.get(required(call, "adset_id")), account, call.request.params["adset_id"])
    creative_id = str(json_object(call, "creative").get("creative_id", ""))
    if not has_creative(creative_id, account):
        raise invalid("The creative of the ad does not exist in this account.", title="Creative Is Missing")
    return ad_set, {"creative_id": creative_id}


def name_of(call: NodeCall) -> str:
    """Return the name of a new entity."""
    name = required(call, "name")
    if len(name) > _MOST_NAME:
        raise invalid(f"The name is longer than {_MOST_NAME} characters.", title="Name Is Too Long")
    return name


def first_status(call: NodeCall) -> str:
    """Return the status of a new entity."""
    return one_of("status", call.request.params.get("status", "ACTIVE"), CREATED_STATUSES)


def changes_of(call: NodeCall, entity: Entity) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a POST on a node changes: attributes of the entity, and further fields."""
    attributes = {name: call.request.params[name] for name in ("name", "status") if name in call.request.params}
    if "status" in attributes:
        one_of("status", attributes["status"], STATUSES)
    if entity.status == "DELETED":
        raise invalid("A deleted object can't be changed.", title="Object Is Deleted")
    daily = amount(call, "daily_budget")
    if daily is not None:
        _check_minimum(daily, entity.account)
        attributes["daily_budget"] = str(daily)
    return attributes, _spend_cap(call) if entity.kind == "campaign" else {}


def daily_budget(call: NodeCall) -> str | None:
    """Return the daily budget of a new entity; later changes replace it."""
    daily = amount(call, "daily_budget")
    return None if daily is None else str(daily)


def _budgets(daily: int | None, lifetime: int | None, *, of_ad_set: bool = False) -> dict[str, Any]:
    absent = "0" if of_ad_set else None
    without_daily = {"daily_budget": absent} if daily is None else {}
    return {**without_daily, "lifetime_budget": absent if lifetime is None else str(lifetime)}


def _spend_cap(call: NodeCall) -> dict[str, str]:
    cap = amount(call, "spend_cap")
    return {} if cap is None else {"spend_cap": str(cap)}


def _check_minimum(budget: int, account: Account) -> None:
    least = minor_units(account.currency)
    if budget < least:
        raise invalid(
            f"Your budget is too low. It must be at least {least} in the smallest unit of {account.currency}.",
            title="Budget Is Too Low",
        )


def _parent(parent: Entity | None, account: Account, id: str) -> Entity:
    if parent is None or parent.account is not account or parent.status == "DELETED":
        raise unknown_object(id)
    return parent


def _moment(name: str, text: str, account: Account) -> str:
    try:
        at = dt.datetime.fromtimestamp(int(text), dt.UTC) if text.isdigit() else dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise GraphApiError(f"(#100) Param {name} must be a valid time", 100) from None
    at = at if at.tzinfo else at.replace(tzinfo=account.zone)
    return at.astimezone(account.zone).strftime("%Y-%m-%dT%H:%M:%S%z")
