"""The steps after an impression, a click or a purchase: video views, outbound clicks, landing page views, custom
conversions. Every step is a whole number, derived from the delivery of an ad's day so that parts add up to it."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from collections.abc import Iterable
from typing import NamedTuple

from meta_pipeline.sandbox.world.delivery import Delivery
from meta_pipeline.sandbox.world.entities import Entity
from meta_pipeline.sandbox.world.world import World


class Funnel(NamedTuple):
    """The steps; all of them add up. `watched_ms`: the time that the video was watched."""

    plays: int = 0
    views_3s: int = 0
    thruplays: int = 0
    views_30s: int = 0
    p25: int = 0
    p50: int = 0
    p75: int = 0
    p95: int = 0
    p100: int = 0
    watched_ms: int = 0
    outbound_clicks: int = 0
    landing_page_views: int = 0
    custom_conversions: int = 0


NO_FUNNEL = Funnel()


def sum_funnels(funnels: Iterable[Funnel]) -> Funnel:
    """Return the sum."""
    if len(parts := list(funnels)) < 2:
        return parts[0] if parts else NO_FUNNEL
    return Funnel._make(map(sum, zip(*parts, strict=True)))


class Funnels:
    """Derives the funnels of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rates = functools.lru_cache(maxsize=20_000)(self._drawn_rates)

    def whole(self, ad: Entity, day: dt.date, delivery: Delivery) -> Funnel:
        """Return the funnel of an ad's day."""
        return self._steps(ad, day, delivery.impressions, delivery.link_clicks, delivery.purchases)

    def _steps(self, ad: Entity, day: dt.date, impressions: int, link_clicks: int, purchases: int) -> Funnel:
        rates = self._rates(ad.id, self.world.is_video(ad), day)
        plays, outbound = impressions * rates[0] // 1000, link_clicks * rates[10] // 1000
        after_play = [plays * rate // 1000 for rate in rates[1:9]]
        return Funnel._make((
            plays, *after_play, plays * rates[9], outbound, outbound * rates[11] // 1000, purchases * rates[12] // 1000,
        ))

    def parts(self, ad: Entity, day: dt.date, deliveries: Iterable[Delivery]) -> list[Funnel]:
        """Return the funnels of the parts of an ad's day, which add up to that of the whole."""
        funnels, before = [], NO_FUNNEL
        impressions = link_clicks = purchases = 0
        for delivery in deliveries:
            impressions += delivery.impressions
            link_clicks += delivery.link_clicks
            purchases += delivery.purchases
            after = self._steps(ad, day, impressions, link_clicks, purchases)
            funnels.append(Funnel._make(map(operator.sub, after, before)))
            before = after
        return funnels

    def _drawn_rates(self, ad_id: str, is_video: bool, day: dt.date) -> tuple[int, ...]:
        """Return the rate of each step, per mille of the step before it, and the milliseconds that a play lasts."""
        draw = self.world.roll(ad_id, day, "funnel")
        clicks = (850 + draw % 140, 700 + (draw >> 8) % 250, 300 + (draw >> 16) % 600)
        if not is_video:
            return (*(0,) * 10, *clicks)
        hook = 250 + (draw >> 24) % 300
        quartiles = [600 + (draw >> 32) % 200, 330 + (draw >> 40) % 150, 200 + (draw >> 46) % 90]
        return (
            850 + (draw >> 52) % 140, hook, hook * 45 // 100, hook * 12 // 100, *quartiles, 130 + (draw >> 58) % 40,
            90 + (draw >> 60) % 16, 2500 + (draw >> 20) % 6000, *clicks,
        )
