"""Exact totals straight from the world's deliveries, to compare the rows of insights with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from meta_pipeline.sandbox.ads.insights.breakdowns import BreakdownSplitter
from meta_pipeline.sandbox.ads.insights.funnel import Funnel, Funnels, sum_funnels
from meta_pipeline.sandbox.ads.insights.query import LEVELS
from meta_pipeline.sandbox.world.delivery import Delivery, format_money, sum_deliveries, sum_over_days
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

TotalsByLevel = dict[str, list[dict[str, Any]]]


def daily_totals(world: World, *, since: dt.date, until: dt.date, at: dt.datetime) -> TotalsByLevel:
    """Return the totals per level, node and day as they were reported at `at`; money as decimal strings."""
    totals: TotalsByLevel = {level: [] for level in LEVELS}
    funnels = Funnels(world)
    for account, day, local in _account_days(world, since, until, at):
        groups: dict[tuple[str, str], list[tuple[Delivery, Funnel]]] = {}
        for ad, _, delivery in world.deliveries(world.ads_of(account.id), day, day, local):
            for level, node_id in _ids_by_level(ad).items():
                groups.setdefault((level, node_id), []).append((delivery, funnels.whole(ad, day, delivery)))
        for (level, node_id), parts in groups.items():
            total = sum_deliveries([delivery for delivery, _ in parts])
            totals[level].append({
                "account_id": account.id, "id": node_id, "day": day.isoformat(), "level": level,
                "currency": account.currency, **_figures(total), "reach": total.reach,
                "funnel": sum_funnels(funnel for _, funnel in parts)._asdict(),
            })
    return totals


def range_reach(world: World, *, since: dt.date, until: dt.date, at: dt.datetime) -> TotalsByLevel:
    """Return the reach of the whole range per level and node, which is not the sum of the days' reach."""
    totals: TotalsByLevel = {level: [] for level in LEVELS}
    for account in world.accounts.values():
        groups: dict[tuple[str, str], list[tuple[dt.date, Delivery]]] = {}
        local = world.wall_clock(account, at)
        for ad, day, delivery in world.deliveries(world.ads_of(account.id), since, until, local):
            for level, node_id in _ids_by_level(ad).items():
                groups.setdefault((level, node_id), []).append((day, delivery))
        for (level, node_id), deliveries in groups.items():
            total = sum_over_days(deliveries)
            totals[level].append({
                "account_id": account.id, "id": node_id, "level": level, "since": since.isoformat(),
                "until": until.isoformat(), "impressions": total.impressions, "reach": total.reach,
            })
    return totals


def breakdown_totals(
    splitter: BreakdownSplitter, *, since: dt.date, until: dt.date, at: dt.datetime, breakdowns: tuple[str, ...],
    level: str,
) -> list[dict[str, Any]]:
    """Return every row of a breakdown per day, with null where Meta leaves the key out."""
    world, rows = splitter.world, []
    funnels = Funnels(world)
    for account, day, local in _account_days(world, since, until, at):
        groups: dict[tuple[str, tuple[str | None, ...]], list[tuple[Delivery, Funnel]]] = {}
        zone = world.zone_on(account, day)
        for ad, _, delivery in world.deliveries(world.ads_of(account.id), day, day, local):
            split = list(splitter.split(ad, day, delivery, breakdowns, zone=zone))
            of_parts = funnels.parts(ad, day, (part for _, part in split))
            for (values, part), funnel in zip(split, of_parts, strict=True):
                groups.setdefault((_ids_by_level(ad)[level], values), []).append((part, funnel))
        for (node_id, values), parts in groups.items():
            rows.append({
                "account_id": account.id, "id": node_id, "day": day.isoformat(), "currency": account.currency,
                **dict(zip(breakdowns, values, strict=True)),
                **_figures(sum_deliveries([delivery for delivery, _ in parts])),
                "funnel": sum_funnels(funnel for _, funnel in parts)._asdict(),
            })
    return rows


def _ids_by_level(ad: Entity) -> dict[str, str]:
    return {"account": ad.account.id, "campaign": ad.parents[0].id, "adset": ad.parents[1].id, "ad": ad.id}


def _account_days(
    world: World, since: dt.date, until: dt.date, at: dt.datetime
) -> Iterator[tuple[Account, dt.date, dt.datetime]]:
    """Yield every account's days with the time on its wall clock at `at`."""
    for account in world.accounts.values():
        local = world.wall_clock(account, at)
        for n in range((until - since).days + 1):
            yield account, since + dt.timedelta(days=n), local


def _figures(total: Delivery) -> dict[str, Any]:
    return {
        "spend": format_money(total.spend), "impressions": total.impressions, "clicks": total.clicks,
        "inline_link_clicks": total.link_clicks, "purchases": total.purchases, "value": format_money(total.value),
    }
