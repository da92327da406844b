"""What the answers must add up to, straight from the facts: for whoever tests against the sandbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from meta_pipeline.sandbox.breakdowns import Splits
from meta_pipeline.sandbox.facts import Fact, added, added_over_days, money
from meta_pipeline.sandbox.nouns import Account, Entity
from meta_pipeline.sandbox.query import LEVELS
from meta_pipeline.sandbox.world import World


def ids_of(ad: Entity) -> dict[str, str]:
    """An ad's ids by level."""
    return {"account": ad.account.id, "campaign": ad.parents[0].id, "adset": ad.parents[1].id, "ad": ad.id}


def totals(world: World, since: dt.date, until: dt.date, at: dt.datetime) -> dict[str, list[dict[str, Any]]]:
    """Exact totals by account, day and level, as they were shown at `at`: `spend` and `value` as decimal strings."""
    found: dict[str, list[dict[str, Any]]] = {level: [] for level in LEVELS}
    for account, day, local in _account_days(world, since, until, at):
        groups: dict[tuple[str, str], list[Fact]] = {}
        for ad, _, fact in world.delivered(world.ads_of(account.id), day, day, local):
            for level, node_id in ids_of(ad).items():
                groups.setdefault((level, node_id), []).append(fact)
        for (level, node_id), facts in groups.items():
            total = added(facts)
            found[level].append({
                "account_id": account.id, "id": node_id, "day": day.isoformat(), "level": level,
                "currency": account.currency, **_numbers(total), "reach": total.reach,
            })
    return found


def reaches(world: World, since: dt.date, until: dt.date, at: dt.datetime) -> dict[str, list[dict[str, Any]]]:
    """The reach of the whole range, by level and id: not the sum of the days'."""
    found: dict[str, list[dict[str, Any]]] = {level: [] for level in LEVELS}
    for account in world.accounts.values():
        groups: dict[tuple[str, str], list[tuple[dt.date, Fact]]] = {}
        local = world.wall_clock(account, at)
        for ad, day, fact in world.delivered(world.ads_of(account.id), since, until, local):
            for level, node_id in ids_of(ad).items():
                groups.setdefault((level, node_id), []).append((day, fact))
        for (level, node_id), facts in groups.items():
            total = added_over_days(facts)
            found[level].append({
                "account_id": account.id, "id": node_id, "level": level, "since": since.isoformat(),
                "until": until.isoformat(), "impressions": total.impressions, "reach": total.reach,
            })
    return found


def by_breakdown(
    splits: Splits, since: dt.date, until: dt.date, at: dt.datetime, *, breakdowns: tuple[str, ...], level: str
) -> list[dict[str, Any]]:
    """Every row of a breakdown: its values as they are, null where Meta leaves the key out."""
    world, found = splits.world, []
    for account, day, local in _account_days(world, since, until, at):
        parts: dict[tuple[str, tuple[str | None, ...]], list[Fact]] = {}
        zone = world.zone_on(account, day)
        for ad, _, fact in world.delivered(world.ads_of(account.id), day, day, local):
            for values, part in splits.split(ad, day, fact, breakdowns, zone=zone):
                parts.setdefault((ids_of(ad)[level], values), []).append(part)
        for (node_id, values), facts in parts.items():
            found.append({
                "account_id": account.id, "id": node_id, "day": day.isoformat(), "currency": account.currency,
                **dict(zip(breakdowns, values, strict=True)), **_numbers(added(facts)),
            })
    return found


def _account_days(
    world: World, since: dt.date, until: dt.date, at: dt.datetime
) -> Iterator[tuple[Account, dt.date, dt.datetime]]:
    """Every account's days, with what its wall clock shows at `at`."""
    for account in world.accounts.values():
        local = world.wall_clock(account, at)
        for n in range((until - since).days + 1):
            yield account, since + dt.timedelta(days=n), local


def _numbers(total: Fact) -> dict[str, Any]:
    return {
        "spend": money(total.spend), "impressions": total.impressions, "clicks": total.clicks,
        "inline_link_clicks": total.link_clicks, "purchases": total.purchases, "value": money(total.value),
    }
