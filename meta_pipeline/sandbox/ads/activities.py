"""The activity log of an ad account: who changed what, and when (docs/graph-api.md §9). Every day has a few generated
entries besides the edits that control calls made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from meta_pipeline.sandbox.ads.entity_changes import Edit, EntityChanges
from meta_pipeline.sandbox.ads.entity_nodes import usual_budget
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

_ACTORS = (("1020000000000001", "Nora Northwind"), ("1020000000000042", "Kai Müller"), ("0", "Meta"))
_TYPES = {"campaign": "CAMPAIGN", "adset": "CAMPAIGN", "ad": "ADGROUP"}  # Meta's names of before 2014
_CREATED = {"campaign": "create_campaign_group", "adset": "create_ad_set", "ad": "create_ad"}
_EVENTS = {
    ("campaign", "daily_budget"): "update_campaign_budget", ("adset", "daily_budget"): "update_ad_set_budget",
    ("campaign", "status"): "update_campaign_run_status", ("adset", "status"): "update_ad_set_run_status",
    ("ad", "status"): "update_ad_run_status", ("campaign", "name"): "update_campaign_name",
    ("adset", "name"): "update_ad_set_name", ("ad", "name"): "update_ad_friendly_name",
}
_STATUS_TEXTS = {"ACTIVE": "Active", "PAUSED": "Inactive", "ARCHIVED": "Archived", "DELETED": "Deleted"}
_DEFAULT_DAYS = dt.timedelta(days=7)


class Activity(NamedTuple):
    """One entry of the log; `change` is the content of `extra_data`."""

    at: dt.datetime
    account: Account
    actor: tuple[str, str]
    event_type: str
    entity: Entity
    change: dict[str, Any]


class ActivityLog:
    """The logs of one world's accounts."""

    def __init__(self, world: World, changes: EntityChanges) -> None:
        self.world, self.changes = world, changes

    def answer(self, call: NodeCall, account: Account) -> dict[str, Any]:
        """Return a page of the entries between `since` and `until`, the newest first."""
        until = _instant(call.request, "until", call.now)
        since = _instant(call.request, "since", until - _DEFAULT_DAYS)
        entries = [each for each in self._entries(account, call.now) if since <= each.at < until]
        return paginate(
            call.request, entries[::-1],
            lambda entry: select_fields(self._record(entry, call.now), call.fields, ("event_time", "event_type")),
        )

    def truth(self, *, since: dt.date, until: dt.date, at: dt.datetime) -> list[dict[str, Any]]:
        """Return every entry of these local days that had happened at `at`."""
        return [
            {"account_id": account.id, "day": day.isoformat(), "currency": account.currency, **self._record(entry, at)}
            for account in self.world.accounts.values() for entry in self._entries(account, at)
            if since <= (day := entry.at.astimezone(self.world.zone(account, at)).date()) <= until
        ]

    def _entries(self, account: Account, now: dt.datetime) -> list[Activity]:
        edits = (_of_edit(edit) for edit in self.changes.edits if edit.entity.account is account)
        return sorted(
            (entry for entry in (*self._drawn(account, now), *edits) if entry.at <= now), key=lambda entry: entry.at
        )

    def _drawn(self, account: Account, now: dt.datetime) -> Iterator[Activity]:
        """Yield up to three changes of a day's budgets and statuses since the first ads."""
        ads = self.world.ads_of(account.id)
        if not ads:
            return
        first, today = min(ad.created_on for ad in ads), now.astimezone(account.zone).date()
        for number in range((today - first).days + 1):
            day = first + dt.timedelta(days=number)
            for serial in range(self.world.roll(account.id, day, "activities") % 4):
                draw = self.world.roll(account.id, day, "activity", serial)
                ad = ads[draw % len(ads)]
                at = dt.datetime.combine(day, dt.time(), account.zone) + dt.timedelta(seconds=(draw >> 16) % 86_400)
                actor = _ACTORS[(draw >> 40) % len(_ACTORS)]
                if ad.created_on > day:
                    continue
                if (draw >> 44) % 2:
                    before, after = ("Active", "Inactive") if (draw >> 45) % 2 else ("Inactive", "Active")
                    change: dict[str, Any] = {"old_value": before, "new_value": after, "type": "run_status"}
                    yield Activity(at, account, actor, "update_ad_run_status", ad, change)
                else:
                    budget = int(usual_budget(account.currency))
                    change = _budget(budget, budget * (60 + (draw >> 46) % 100) // 100, account.currency)
                    yield Activity(at, account, actor, "update_ad_set_budget", ad.parents[1], change)

    def _record(self, entry: Activity, now: dt.datetime) -> dict[str, Any]:
        local = entry.at.astimezone(self.world.zone(entry.account, now))
        return {
            "_type": "AdActivity", "actor_id": entry.actor[0], "actor_name": entry.actor[1],
            "application_id": "119211728144504", "application_name": "Power Editor",
            "date_time_in_timezone": local.strftime("%m/%d/%Y at %-I:%M %p"),
            "event_time": entry.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "event_type": entry.event_type, "translated_event_type": entry.event_type.replace("_", " ").capitalize(),
            "extra_data": json.dumps(entry.change, separators=(",", ":")), "object_id": entry.entity.id,
            "object_name": entry.entity.name, "object_type": _TYPES[entry.entity.kind], "tool": None,
        }


def _of_edit(edit: Edit) -> Activity:
    entity, event_type = edit.entity, _EVENTS.get((edit.entity.kind, edit.attribute), "unknown")
    change: dict[str, Any] = {"old_value": edit.before, "new_value": edit.after}
    if edit.attribute == "created":
        event_type, change = _CREATED[entity.kind], {"new_value": entity.name}
    elif edit.attribute == "status":
        change = {"old_value": _STATUS_TEXTS[str(edit.before)], "new_value": _STATUS_TEXTS[str(edit.after)]}
    elif edit.attribute == "daily_budget":
        before = int(edit.before or usual_budget(entity.account.currency))
        change = _budget(before, int(str(edit.after)), entity.account.currency)
    return Activity(edit.at, entity.account, _ACTORS[0], event_type, entity, change)


def _budget(before: int, after: int, currency: str) -> dict[str, Any]:
    """Return a change of a daily budget, in the currency's minor unit."""
    return {
        "old_value": {"old_value": before, "currency": currency, "type": "Per day"},
        "new_value": {"new_value": after, "currency": currency, "type": "Per day"}, "type": "payment_amount",
    }


def _instant(request: GraphRequest, name: str, otherwise: dt.datetime) -> dt.datetime:
    """Return a parameter as an instant: Unix seconds or ISO 8601, UTC without an offset."""
    if not (text := request.params.get(name)):
        return otherwise
    try:
        at = dt.datetime.fromtimestamp(int(text), dt.UTC) if text.isdigit() else dt.datetime.fromisoformat(text)
    except ValueError:
        raise GraphApiError(f"(#100) Param {name} must be a valid time", 100) from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
