"""Edits as people make them in Ads Manager: names, budgets and statuses change, entities are created and deleted.

`POST /_sandbox/entities` requests them. A change happens at the server's now, or when its clock reaches `at`;
`updated_time` shows it. A change is the JSON of the control call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED")
_ID_PREFIXES = {"campaign": "12021", "adset": "12022", "ad": "12023"}
_ATTRIBUTES = ("name", "daily_budget", "status")
_FIRST_NUMBER = 900_000_000
_KEYS = {"create", "id", "campaign_id", "adset_id", "account_id", "name", "daily_budget", "status"}


class Edit(NamedTuple):
    """One attribute of an entity that was changed by a control call, or its creation (`created`)."""

    at: dt.datetime
    entity: Entity
    attribute: str
    before: str | None
    after: str | None


class EntityChanges:
    """The changes that are planned for later, and the `edits` that were made."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.planned: list[tuple[dt.datetime, dict[str, Any]]] = []
        self._later: list[tuple[dt.datetime, Callable[[], None]]] = []
        self.edits: list[Edit] = []

    def apply_or_plan(self, change: dict[str, Any], now: dt.datetime) -> Entity | None:
        """Apply the change and return the entity, or plan it for later and return None."""
        change = dict(change)
        at = dt.datetime.fromisoformat(change.pop("at")) if "at" in change else now
        at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
        _validate(change, self.world)
        if at <= now:
            return self._apply(change, at)
        self.planned.append((at, change))
        return None

    def at(self, moment: dt.datetime, do: Callable[[], None]) -> None:
        """Call a function when the clock reaches a moment."""
        self._later.append((moment, do))

    def apply_due(self, now: dt.datetime) -> None:
        """Apply every planned change that is due, in order of time."""
        for item in [item for item in self._later if item[0] <= now]:
            self._later.remove(item)
            item[1]()
        if not self.planned:
            return
        due = sorted((item for item in self.planned if item[0] <= now), key=lambda item: item[0])
        self.planned = [item for item in self.planned if item[0] > now]
        for at, change in due:
            self._apply(change, at)

    def _apply(self, change: dict[str, Any], at: dt.datetime) -> Entity:
        """Apply a change and record what it edited."""
        edited = None if "create" in change else self.world.entity(str(change["id"]))
        before = {name: getattr(edited, name) for name in _ATTRIBUTES if edited is not None}
        entity = apply_change(self.world, change, at)
        if not before:
            self.edits.append(Edit(at, entity, "created", None, None))
        self.edits += [
            Edit(at, entity, name, value, getattr(entity, name))
            for name, value in before.items() if value != getattr(entity, name)
        ]
        return entity


def apply_change(world: World, change: dict[str, Any], now: dt.datetime) -> Entity:
    """Create (`create`) or edit (`id`) an entity and return it."""
    entity = _create(world, change, now) if "create" in change else world.entity(str(change["id"]))
    if entity is None:
        raise KeyError(change["id"])
    entity.name = str(change.get("name", entity.name))
    if "daily_budget" in change:
        entity.daily_budget = str(change["daily_budget"])
    if "status" in change:
        _set_status(entity, str(change["status"]), world.wall_clock(entity.account, now).date())
    if "create" not in change:
        entity.edited_at = now
    world.invalidate_caches()
    return entity


def _validate(change: dict[str, Any], world: World) -> None:
    """Raise ValueError or KeyError for an invalid change, also when it is planned for later."""
    if unknown := set(change) - _KEYS:
        raise ValueError(f"{', '.join(sorted(unknown))} of an entity can't be set")
    if change.get("status", "ACTIVE") not in STATUSES:
        raise ValueError(f"a status is one of {', '.join(STATUSES)}")
    if "create" in change:
        _account_and_parents(world, change)
    elif world.entity(str(change["id"])) is None:
        raise ValueError(f"there is no {change['id']}")


def _account_and_parents(world: World, change: dict[str, Any]) -> tuple[Account, tuple[Entity, ...]]:
    match change["create"]:
        case "campaign":
            return world.accounts[str(change["account_id"]).removeprefix("act_")], ()
        case "adset":
            campaign = world.campaigns[str(change["campaign_id"])]
            return campaign.account, (campaign,)
        case "ad":
            ad_set = world.ad_sets[str(change["adset_id"])]
            return ad_set.account, (*ad_set.parents, ad_set)
    raise ValueError(f"{change['create']} can't be created: only campaign, adset and ad")


def _create(world: World, change: dict[str, Any], now: dt.datetime) -> Entity:
    kind, (account, parents) = str(change["create"]), _account_and_parents(world, change)
    store = {"campaign": world.campaigns, "adset": world.ad_sets, "ad": world.ads}[kind]
    number = _FIRST_NUMBER + sum(entity.created_at is not None for entity in store.values())
    entity = Entity(
        f"{_ID_PREFIXES[kind]}{int(account.id) % 1000:03d}{number}", kind, name=f"New {kind}", account=account,
        status="ACTIVE", created_on=world.wall_clock(account, now).date(), parents=parents, created_at=now,
    )
    if kind == "ad":
        world.add_ad(entity)
    else:
        store[entity.id] = entity
    return entity


def _set_status(entity: Entity, status: str, today: dt.date) -> None:
    """Set the status. A stopped entity delivers to the end of the day, a resumed one from today on; the days between
    become a pause."""
    if status == "ACTIVE" and entity.ended_on:
        if entity.ended_on < today:
            entity.pauses.append((entity.ended_on, today))
        entity.ended_on = None
    elif status != "ACTIVE" and entity.ended_on is None:
        entity.ended_on = today + dt.timedelta(days=1)
    entity.status = status
