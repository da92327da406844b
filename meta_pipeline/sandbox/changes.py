"""People at work in Ads Manager: names, budgets and statuses change, ads are made and deleted.

`POST /_sandbox/entities`; everything happens at the server's now, or when it comes to `at`; `updated_time` says so."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.nouns import Account, Entity
from meta_pipeline.sandbox.world import World

_PREFIXES = {"campaign": "12021", "adset": "12022", "ad": "12023"}
KNOWN = {"create", "id", "campaign_id", "adset_id", "account_id", "name", "daily_budget", "status"}
STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED")


class Changes:
    """What is still to come."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.planned: list[tuple[dt.datetime, dict[str, Any]]] = []

    def order(self, told: dict[str, Any], now: dt.datetime) -> Entity | None:
        """The thing as it is after the change; nothing when the change is to come."""
        told = dict(told)
        at = dt.datetime.fromisoformat(told.pop("at")) if "at" in told else now
        at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
        _check(told, self.world)
        if at <= now:
            return change(self.world, told, at)
        self.planned.append((at, told))
        return None

    def catch_up(self, now: dt.datetime) -> None:
        """Whatever was planned until now has happened, in its order."""
        if not self.planned:
            return
        due = sorted((one for one in self.planned if one[0] <= now), key=lambda one: one[0])
        self.planned = [one for one in self.planned if one[0] > now]
        for at, told in due:
            change(self.world, told, at)


def change(world: World, told: dict[str, Any], now: dt.datetime) -> Entity:
    """One thing made (`create`) or edited (`id`), as it is afterwards."""
    one = _made(world, told, now) if "create" in told else world.entity(str(told["id"]))
    if one is None:
        raise KeyError(told["id"])
    one.name = str(told.get("name", one.name))
    if "daily_budget" in told:
        one.daily_budget = str(told["daily_budget"])
    if "status" in told:
        _set_status(one, str(told["status"]), world.wall_clock(one.account, now).date())
    if "create" not in told:
        one.changed_at = now
    world.changed()
    return one


def _check(told: dict[str, Any], world: World) -> None:
    """What can't be done is refused at once, whenever it is to happen."""
    if unknown := set(told) - KNOWN:
        raise ValueError(f"{', '.join(sorted(unknown))} of a thing can't be set")
    if told.get("status", "ACTIVE") not in STATUSES:
        raise ValueError(f"a status is one of {', '.join(STATUSES)}")
    if "create" in told:
        _parents(world, told)
    elif world.entity(str(told["id"])) is None:
        raise ValueError(f"there is no {told['id']}")


def _parents(world: World, told: dict[str, Any]) -> tuple[Account, tuple[Entity, ...]]:
    """Where a new thing belongs."""
    match told["create"]:
        case "campaign":
            return world.accounts[str(told["account_id"]).removeprefix("act_")], ()
        case "adset":
            campaign = world.campaigns[str(told["campaign_id"])]
            return campaign.account, (campaign,)
        case "ad":
            ad_set = world.ad_sets[str(told["adset_id"])]
            return ad_set.account, (*ad_set.parents, ad_set)
    raise ValueError(f"{told['create']} can't be made: only campaign, adset and ad")


def _made(world: World, told: dict[str, Any], now: dt.datetime) -> Entity:
    kind, (account, parents) = str(told["create"]), _parents(world, told)
    store = {"campaign": world.campaigns, "adset": world.ad_sets, "ad": world.ads}[kind]
    number = 900_000_000 + sum(one.made_at is not None for one in store.values())
    today = world.wall_clock(account, now).date()
    made = Entity(
        f"{_PREFIXES[kind]}{int(account.id) % 1000:03d}{number}", kind, f"New {kind}", account, "ACTIVE", today,
        parents=parents, made_at=now,
    )
    if kind == "ad":
        world.add_ad(made)
    else:
        store[made.id] = made
    return made


def _set_status(one: Entity, status: str, today: dt.date) -> None:
    """What stops delivers to the end of the day; what starts delivers from today on, and never in between."""
    if status == "ACTIVE" and one.ended:
        if one.ended < today:
            one.pauses.append((one.ended, today))
        one.ended = None
    elif status != "ACTIVE" and one.ended is None:
        one.ended = today + dt.timedelta(days=1)
    one.status = status
