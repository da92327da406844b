"""Ads Insights over the world's facts: the rows of a query (graph-api.md §2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from meta_pipeline.sandbox.breakdowns import Splits, Values
from meta_pipeline.sandbox.facts import Fact, added_over_days
from meta_pipeline.sandbox.nouns import Account, Entity
from meta_pipeline.sandbox.query import Query
from meta_pipeline.sandbox.world import World

# How many rows of answered queries are kept, for their next pages.
KEPT = 300_000


class Row(NamedTuple):
    """One row before its fields are chosen. `values` are those of the query's breakdowns."""

    account: Account
    ad: Entity
    since: dt.date
    until: dt.date
    fact: Fact
    values: Values


class Insights:
    """Every query over one world. The rows of the last ones are kept while the facts behind them stand: facts change
    with the account's hour and with what was built."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.splits = Splits(world)
        self._kept: dict[Hashable, list[Row]] = {}

    def rows(self, query: Query, now: dt.datetime) -> list[Row]:
        """Every row with delivery; nothing that did not deliver has one."""
        local = self.world.wall_clock(query.account, now)
        key = (
            query.account.id, query.level, tuple(query.periods), query.breakdowns, tuple(ad.id for ad in query.ads),
            local.date(), local.hour, self.world.revision,
        )
        if (found := self._kept.pop(key, None)) is None:
            found = list(self._rows(query, local))
        self._kept[key] = found
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    def _rows(self, query: Query, local: dt.datetime) -> Iterator[Row]:
        depth, account, breakdowns = query.depth, query.account, query.breakdowns
        for since, until in query.periods:
            groups: dict[str, list[tuple[Entity, dt.date, Fact]]] = {}
            for delivered in self.world.delivered(query.ads, since, until, local):
                ad = delivered[0]
                key = (account.id, *(parent.id for parent in ad.parents), ad.id)[depth]
                groups.setdefault(key, []).append(delivered)
            for facts in groups.values():
                first = facts[0][0]
                if not breakdowns:
                    whole = added_over_days((day, fact) for _, day, fact in facts)
                    yield Row(account, first, since, until, whole, ())
                    continue
                for values, pieces in self._parts(facts, breakdowns).items():
                    whole = pieces[0][1] if len(pieces) == 1 else added_over_days(pieces)
                    yield Row(account, first, since, until, whole, values)

    def _parts(
        self, facts: list[tuple[Entity, dt.date, Fact]], breakdowns: tuple[str, ...]
    ) -> dict[Values, list[tuple[dt.date, Fact]]]:
        """Each ad's day is split on its own, so that a breakdown adds up however it is cut, at every level. A part
        without an impression may hold a cent of its ad's spend: dropped, the parts would not add up."""
        parts: dict[Values, list[tuple[dt.date, Fact]]] = {}
        for ad, day, fact in facts:
            zone = self.world.zone_on(ad.account, day)
            for values, part in self.splits.split(ad, day, fact, breakdowns, zone=zone):
                parts.setdefault(values, []).append((day, part))
        return parts


def total(found: list[Row], query: Query) -> Row:
    """One row for all of them: the whole result, not the page."""
    since, until = min(since for since, _ in query.periods), max(until for _, until in query.periods)
    whole = added_over_days((row.since, row.fact) for row in found)
    return Row(query.account, found[0].ad, since, until, whole, ())
