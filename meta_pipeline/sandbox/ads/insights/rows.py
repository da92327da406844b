"""The rows of a query before its fields are selected (docs/graph-api.md §2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from meta_pipeline.sandbox.ads.insights.breakdowns import BreakdownSplitter, Values
from meta_pipeline.sandbox.ads.insights.funnel import NO_FUNNEL, Funnel, Funnels, sum_funnels
from meta_pipeline.sandbox.ads.insights.query import Query
from meta_pipeline.sandbox.world.delivery import Delivery, sum_over_days
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

# The maximum number of rows that are cached, for the next pages of the same query.
CACHED_ROWS = 300_000


class InsightsRow(NamedTuple):
    """One row; `ad` is any ad of the row's node, `values` are those of the query's breakdowns; `funnel` is empty unless
    the query needs it."""

    account: Account
    ad: Entity
    since: dt.date
    until: dt.date
    delivery: Delivery
    values: Values
    funnel: Funnel = NO_FUNNEL


class Insights:
    """Answers queries over one world. Rows are cached until the account's hour or the world's revision changes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.splitter = BreakdownSplitter(world)
        self.funnels = Funnels(world)
        self._cache: dict[Hashable, list[InsightsRow]] = {}

    def rows(self, query: Query, now: dt.datetime) -> list[InsightsRow]:
        """Return every row that has delivery; Meta returns no others."""
        local = self.world.wall_clock(query.account, now)
        key = (
            query.account.id, query.level, tuple(query.periods), query.breakdowns, tuple(ad.id for ad in query.ads),
            local.date(), local.hour, self.world.revision, query.needs_funnel,
        )
        if (rows := self._cache.pop(key, None)) is None:
            rows = list(self._compute_rows(query, local))
        self._cache[key] = rows
        while len(self._cache) > 1 and sum(map(len, self._cache.values())) > CACHED_ROWS:
            del self._cache[next(iter(self._cache))]
        return rows

    def _compute_rows(self, query: Query, local: dt.datetime) -> Iterator[InsightsRow]:
        depth, account, breakdowns = query.depth, query.account, query.breakdowns
        for since, until in query.periods:
            groups: dict[str, list[tuple[Entity, dt.date, Delivery]]] = {}
            for ad_day in self.world.deliveries(query.ads, since, until, local):
                ad = ad_day[0]
                node_id = (account.id, *(parent.id for parent in ad.parents), ad.id)[depth]
                groups.setdefault(node_id, []).append(ad_day)
            for ad_days in groups.values():
                first = ad_days[0][0]
                if not breakdowns:
                    whole = sum_over_days((day, delivery) for _, day, delivery in ad_days)
                    funnel = sum_funnels(self.funnels.whole(*each) for each in ad_days) if query.needs_funnel \
                        else NO_FUNNEL
                    yield InsightsRow(account, first, since, until, whole, (), funnel)
                    continue
                for values, (parts, funnels) in self._split(ad_days, query).items():
                    whole = parts[0][1] if len(parts) == 1 else sum_over_days(parts)
                    yield InsightsRow(account, first, since, until, whole, values, sum_funnels(funnels))

    def _split(
        self, ad_days: list[tuple[Entity, dt.date, Delivery]], query: Query
    ) -> dict[Values, tuple[list[tuple[dt.date, Delivery]], list[Funnel]]]:
        """Split each ad's day separately, so that a breakdown adds up at every level and over every range. A part
        without impressions may have a cent of its ad's spend; without it the parts would not add up."""
        parts: dict[Values, tuple[list[tuple[dt.date, Delivery]], list[Funnel]]] = {}
        for ad, day, delivery in ad_days:
            zone = self.world.zone_on(ad.account, day)
            split = list(self.splitter.split(ad, day, delivery, query.breakdowns, zone=zone))
            funnels = self.funnels.parts(ad, day, (part for _, part in split)) if query.needs_funnel else []
            for number, (values, part) in enumerate(split):
                days, funnels_of_values = parts.setdefault(values, ([], []))
                days.append((day, part))
                funnels_of_values += funnels[number:number + 1]
        return parts


def total_row(rows: list[InsightsRow], query: Query) -> InsightsRow:
    """Return one row for the whole result, which has at least one row."""
    since, until = min(since for since, _ in query.periods), max(until for _, until in query.periods)
    whole = sum_over_days((row.since, row.delivery) for row in rows)
    return InsightsRow(query.account, rows[0].ad, since, until, whole, (), sum_funnels(row.funnel for row in rows))
