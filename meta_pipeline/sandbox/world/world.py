"""A realistic world, generated from a seed: ad accounts with their ads, and the delivery of every ad on every day.

All numbers are integers (money in millionths of the account's currency) derived from hash(seed, ad, day): every query
adds up the same deliveries, so all results agree.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.world.cast import ACCOUNTS, PAGES, more_accounts
from meta_pipeline.sandbox.world.delivery import NO_DELIVERY, ZERO_DECIMAL, Delivery
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.options import WorldOptions

FIRST_DAY = dt.date(2025, 9, 1)
FINAL_AFTER_DAYS = 28
ADS_PER_ACCOUNT, AD_SETS_PER_ACCOUNT = 60, 20  # of an account that delivers
_THEMES = ("Spring launch", "Always on", "Retargeting", "Reels test", "Clearance")
_AUDIENCES = ("broad", "lookalike 1%", "site visitors", "café & brunch")
_FORMATS = ("Reel A", "Reel B", "Carousel", "Story", "Video 15s")
_CAMPAIGN_DELETED_ON = dt.date(2026, 11, 12)
_FIRST_AD_ENDED_ON = dt.date(2026, 10, 20)
# Millionths per impression.
_PRICES, _DEFAULT_PRICE = {"JPY": 1_200_000, "BRL": 40_000, "KWD": 2_700}, 9_000


class FinalDelivery(NamedTuple):
    """An ad's day when its figures are final; `reach_per_mille` of its impressions reach a person for the first
    time."""

    delivery: Delivery
    reach_per_mille: int


class World:
    """The entities and deliveries of one seed, seen at a moment."""

    def __init__(self, seed: int, *, accounts: int = len(ACCOUNTS), ads: int = ADS_PER_ACCOUNT) -> None:
        self.seed, self.ads_per_account = seed, ads
        self.options = WorldOptions()
        self.revision = 0  # incremented by every change of the entities: part of the key of every cached result
        self.accounts: dict[str, Account] = {}
        self.pages = {page.id: page for page in PAGES}
        self.campaigns: dict[str, Entity] = {}
        self.ad_sets: dict[str, Entity] = {}
        self.ads: dict[str, Entity] = {}
        self._ads_of: dict[str, list[Entity]] = {}
        self.final_delivery = functools.lru_cache(maxsize=None)(self._final_delivery)
        for account in (*ACCOUNTS, *more_accounts(accounts - len(ACCOUNTS))):
            self.add_account(account)

    def roll(self, *parts: object) -> int:
        """Return 64 deterministic bits."""
        text = "|".join([str(self.seed), *map(str, parts)])
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def weight(self, ad_id: str, values: tuple[str, ...]) -> int:
        """Return the weight of a breakdown's values in an ad's delivery, relative to the other values."""
        return 1 + self.roll(ad_id, "split", *values) % 100

    def add_account(self, account: Account) -> None:
        """Add an account, with its campaigns if it delivers."""
        self.accounts[account.id] = account
        self._ads_of[account.id] = []
        if account.is_delivering:
            self._add_campaigns(account)

    def invalidate_caches(self) -> None:
        """Drop cached results after a change of entities or options."""
        self.revision += 1
        self.final_delivery.cache_clear()

    def _add_campaigns(self, account: Account) -> None:
        serial = int(account.id) % 1000
        ads_per_set, sets_with_one_more = divmod(self.ads_per_account, AD_SETS_PER_ACCOUNT)
        for c, theme in enumerate(_THEMES):
            # The last campaign is deleted with everything in it.
            is_deleted = c == len(_THEMES) - 1
            campaign = Entity(
                f"12021{serial:03d}{c:02d}0000001", "campaign", name=theme, account=account,
                status="DELETED" if is_deleted else "ACTIVE", ended_on=_CAMPAIGN_DELETED_ON if is_deleted else None,
                created_on=FIRST_DAY + dt.timedelta(days=self.roll(account.id, "campaign", c) % 200),
            )
            self.campaigns[campaign.id] = campaign
            for s, audience in enumerate(_AUDIENCES):
                ad_set = Entity(
                    f"12022{serial:03d}{c:02d}{s:02d}00001", "adset", name=f"{theme} · {audience}", account=account,
                    status=campaign.status, created_on=campaign.created_on, ended_on=campaign.ended_on,
                    parents=(campaign,),
                )
                self.ad_sets[ad_set.id] = ad_set
                for a in range(ads_per_set + (c * len(_AUDIENCES) + s < sets_with_one_more)):
                    self._add_drawn_ad(ad_set, f"12023{serial:03d}{c:02d}{s:02d}{a:02d}001", number=a + 1)

    def _add_drawn_ad(self, ad_set: Entity, ad_id: str, *, number: int) -> None:
        """Add an ad whose name and status are drawn; in a deleted ad set it is deleted too."""
        draw = self.roll(ad_id, "status") % 100
        status, ended_on = ad_set.status, ad_set.ended_on
        if status == "ACTIVE":
            status = "DELETED" if draw < 8 else "ARCHIVED" if draw < 18 else "PAUSED" if draw < 26 else "ACTIVE"
            if status != "ACTIVE":
                ended_on = _FIRST_AD_ENDED_ON + dt.timedelta(days=self.roll(ad_id, "gone") % 34)
        self.add_ad(Entity(
            ad_id, "ad", name=f"{_FORMATS[self.roll(ad_id, 'format') % 5]} {number}", account=ad_set.account,
            status=status, created_on=ad_set.created_on, ended_on=ended_on, parents=(*ad_set.parents, ad_set),
        ))

    def is_video(self, ad: Entity) -> bool:
        """Check whether the ad shows a video, regardless of its current name."""
        return _FORMATS[self.roll(ad.id, "format") % 5].startswith(("Reel", "Video"))

    def add_ad(self, ad: Entity) -> None:
        """Add an ad."""
        self.ads[ad.id] = ad
        self._ads_of[ad.account.id].append(ad)

    def entity(self, node_id: str) -> Entity | None:
        """Return the campaign, ad set or ad with that id."""
        return self.ads.get(node_id) or self.ad_sets.get(node_id) or self.campaigns.get(node_id)

    def ads_of(self, account_id: str) -> list[Entity]:
        """Return the ads of an account, including deleted and archived ones."""
        return self._ads_of[account_id]

    def zone(self, account: Account, now: dt.datetime) -> ZoneInfo:
        """Return the account's time zone at `now`."""
        change = self.options.zone_change(account)
        return change.zone if change and now >= change.at else account.zone

    def zone_on(self, account: Account, day: dt.date) -> ZoneInfo:
        """Return the zone that determines a day's hours: that of the account when the day began."""
        return self.zone(account, dt.datetime.combine(day, dt.time(), account.zone))

    def wall_clock(self, account: Account, now: dt.datetime) -> dt.datetime:
        """Return the account's local time, without a zone. A change of zone never sets it back: it stops instead, so
        that no day that has begun disappears."""
        change = self.options.zone_change(account)
        if change is None or now < change.at:
            return now.astimezone(account.zone).replace(tzinfo=None)
        before = change.at.astimezone(account.zone).replace(tzinfo=None)
        return max(before, now.astimezone(change.zone).replace(tzinfo=None))

    def _final_delivery(self, ad_id: str, day: dt.date) -> FinalDelivery:
        ad = self.ads[ad_id]
        draw = self.roll(ad_id, day)
        is_idle = draw % 100 < 12 and not self.options.is_daily
        if is_idle or not ad.delivers_on(day):
            return FinalDelivery(NO_DELIVERY, 0)
        impressions = 200 + (draw >> 8) % 4000
        clicks = impressions * (10 + (draw >> 20) % 30) // 1000
        link_clicks = clicks * (500 + (draw >> 28) % 400) // 1000
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        price = _PRICES.get(ad.account.currency, _DEFAULT_PRICE)
        spend = impressions * (price * (700 + (draw >> 36) % 600) // 1000)
        purchases = link_clicks * ((draw >> 44) % 90) // 1000
        value = purchases * price * (3000 + (draw >> 50) % 4000)
        delivery = Delivery(impressions, clicks, link_clicks, spend // unit * unit, purchases, value // unit * unit)
        return FinalDelivery(delivery, 700 + self.roll(ad.id, day, "reach") % 250)

    def delivery(self, ad: Entity, day: dt.date, now: dt.datetime) -> Delivery:
        """Return the ad's day as Meta reports it at `now`."""
        return self.delivery_at(ad, day, self.wall_clock(ad.account, now))

    def delivery_at(self, ad: Entity, day: dt.date, local: dt.datetime) -> Delivery:
        """Return the ad's day at a time of the account's wall clock: the running day grows by the hour, and a day
        keeps growing for 28 days."""
        final, reach_per_mille = self.final_delivery(ad.id, day)
        if not final.impressions:
            return final
        age = (local.date() - day).days
        if age < 0:
            return NO_DELIVERY
        if age >= FINAL_AFTER_DAYS:
            per_mille = 1000
        elif age == 0:
            per_mille = 700 * local.hour // 24
        else:
            per_mille = 800 + 200 * age // FINAL_AFTER_DAYS
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        impressions = final.impressions * per_mille // 1000
        purchases = final.purchases * per_mille // 1000
        return Delivery(
            impressions,
            final.clicks * per_mille // 1000,
            final.link_clicks * per_mille // 1000,
            final.spend * per_mille // 1000 // unit * unit,
            purchases,
            final.value // max(1, final.purchases) // unit * unit * purchases,
            max(1, impressions * reach_per_mille // 1000) if impressions else 0,
        )

    def deliveries(
        self, ads: Iterable[Entity], since: dt.date, until: dt.date, local: dt.datetime
    ) -> Iterator[tuple[Entity, dt.date, Delivery]]:
        """Yield every ad's days with delivery, ad by ad."""
        days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        for ad in ads:
            for day in days:
                if (delivery := self.delivery_at(ad, day, local)).impressions:
                    yield ad, day, delivery
