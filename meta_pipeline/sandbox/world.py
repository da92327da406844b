"""A believable world from a seed: businesses, ad accounts, ads, Pages, people; and what every ad did on every day.

All numbers are integers (money in millionths of the account's currency), derived from hash(seed, ad, day): every query
adds up the same facts, so all of them agree.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.facts import NOTHING, ZERO_DECIMAL, Fact
from meta_pipeline.sandbox.nouns import ACCOUNTS, PAGES, Account, Entity, more_accounts
from meta_pipeline.sandbox.options import Options

APP_ID = "900000000000001"
USER_ID = "1020000000000001"
SYSTEM_USER_ID = "1020000000000099"
FIRST_DAY = dt.date(2025, 9, 1)
FINAL_AFTER_DAYS = 28
ADS, AD_SETS = 60, 20  # of an account that delivers
_THEMES = ("Spring launch", "Always on", "Retargeting", "Reels test", "Clearance")
_AUDIENCES = ("broad", "lookalike 1%", "site visitors", "café & brunch")
_FORMATS = ("Reel A", "Reel B", "Carousel", "Story", "Video 15s")
# Millionths per impression.
_PRICES = {"JPY": 1_200_000, "BRL": 40_000, "KWD": 2_700}


class Final(NamedTuple):
    """What an ad's day will be once it is frozen; `reached` of a thousand impressions meet somebody new."""

    fact: Fact
    reached: int


class World:
    """The facts of one seed, seen at a moment."""

    def __init__(self, seed: int, accounts: int = len(ACCOUNTS), ads: int = ADS) -> None:
        self.seed, self.ads_each = seed, ads
        self.options = Options()
        self.revision = 0  # grows with every change of what was built; whoever keeps results keeps this too
        self.accounts: dict[str, Account] = {}
        self.pages = {page.id: page for page in PAGES}
        self.campaigns: dict[str, Entity] = {}
        self.ad_sets: dict[str, Entity] = {}
        self.ads: dict[str, Entity] = {}
        self._ads_of: dict[str, list[Entity]] = {}
        self.final = functools.lru_cache(maxsize=None)(self._final)
        for account in (*ACCOUNTS, *more_accounts(accounts - len(ACCOUNTS))):
            self.add_account(account)

    def roll(self, *parts: object) -> int:
        """64 deterministic bits."""
        text = "|".join([str(self.seed), *map(str, parts)])
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def weight(self, ad_id: str, values: tuple[str, ...]) -> int:
        """How much of an ad's delivery falls on a value of a breakdown, next to the other values."""
        return 1 + self.roll(ad_id, "split", *values) % 100

    def add_account(self, account: Account) -> None:
        """One more account, with its campaigns if it delivers."""
        self.accounts[account.id] = account
        self._ads_of[account.id] = []
        if account.is_delivering:
            self._build(account)

    def changed(self) -> None:
        """What was built is different now."""
        self.revision += 1
        self.final.cache_clear()

    def _build(self, account: Account) -> None:
        serial = int(account.id) % 1000
        each, more = divmod(self.ads_each, AD_SETS)
        for c, theme in enumerate(_THEMES):
            created = FIRST_DAY + dt.timedelta(days=self.roll(account.id, "campaign", c) % 200)
            # One campaign is deleted as a whole, with all that is in it.
            whole = "DELETED" if c == 4 else "ACTIVE"
            gone = dt.date(2026, 11, 12) if whole == "DELETED" else None
            campaign = Entity(
                f"12021{serial:03d}{c:02d}0000001", "campaign", theme, account, whole, created, gone
            )
            self.campaigns[campaign.id] = campaign
            for s in range(4):
                ad_set = Entity(
                    f"12022{serial:03d}{c:02d}{s:02d}00001", "adset", f"{theme} · {_AUDIENCES[s]}", account, whole,
                    created, gone, (campaign,),
                )
                self.ad_sets[ad_set.id] = ad_set
                for a in range(each + (c * 4 + s < more)):
                    self._build_ad(ad_set, campaign, f"12023{serial:03d}{c:02d}{s:02d}{a:02d}001", a, whole, gone)

    def _build_ad(
        self, ad_set: Entity, campaign: Entity, ad_id: str, index: int, whole: str, gone: dt.date | None
    ) -> None:
        draw = self.roll(ad_id, "status") % 100
        status = whole if whole == "DELETED" else "ACTIVE"
        if status == "ACTIVE":
            status = "DELETED" if draw < 8 else "ARCHIVED" if draw < 18 else "PAUSED" if draw < 26 else "ACTIVE"
            if status != "ACTIVE":
                gone = dt.date(2026, 10, 20) + dt.timedelta(days=self.roll(ad_id, "gone") % 34)
        name = f"{_FORMATS[self.roll(ad_id, 'format') % 5]} {index + 1}"
        self.add_ad(Entity(ad_id, "ad", name, ad_set.account, status, ad_set.created, gone, (campaign, ad_set)))

    def add_ad(self, ad: Entity) -> None:
        """One more ad."""
        self.ads[ad.id] = ad
        self._ads_of[ad.account.id].append(ad)

    def entity(self, node_id: str) -> Entity | None:
        """The campaign, ad set or ad of that id."""
        return self.ads.get(node_id) or self.ad_sets.get(node_id) or self.campaigns.get(node_id)

    def ads_of(self, account_id: str) -> list[Entity]:
        """The ads of an account, deleted and archived ones too."""
        return self._ads_of[account_id]

    def zone(self, account: Account, now: dt.datetime) -> ZoneInfo:
        """The account's time zone: an account may move to another one."""
        change = self.options.zone_change(account)
        return change.zone if change and now >= change.at else account.zone

    def zone_on(self, account: Account, day: dt.date) -> ZoneInfo:
        """The zone whose hours a day had: the one the account was in when it began."""
        return self.zone(account, dt.datetime.combine(day, dt.time(), account.zone))

    def wall_clock(self, account: Account, now: dt.datetime) -> dt.datetime:
        """The account's local time, without a zone. A move to another zone never sets it back: days that have begun
        stay, and it stands still instead."""
        change = self.options.zone_change(account)
        if change is None or now < change.at:
            return now.astimezone(account.zone).replace(tzinfo=None)
        before = change.at.astimezone(account.zone).replace(tzinfo=None)
        return max(before, now.astimezone(change.zone).replace(tzinfo=None))

    def _final(self, ad_id: str, day: dt.date) -> Final:
        """What the ad will have done on that day once the numbers are frozen."""
        ad = self.ads[ad_id]
        draw = self.roll(ad_id, day)
        is_idle = draw % 100 < 12 and not self.options.is_daily
        if is_idle or not ad.delivers_on(day):
            return Final(NOTHING, 0)
        impressions = 200 + (draw >> 8) % 4000
        clicks = impressions * (10 + (draw >> 20) % 30) // 1000
        link_clicks = clicks * (500 + (draw >> 28) % 400) // 1000
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        price = _PRICES.get(ad.account.currency, 9_000)
        spend = impressions * (price * (700 + (draw >> 36) % 600) // 1000)
        purchases = link_clicks * ((draw >> 44) % 90) // 1000
        value = purchases * price * (3000 + (draw >> 50) % 4000)
        fact = Fact(impressions, clicks, link_clicks, spend // unit * unit, purchases, value // unit * unit)
        return Final(fact, 700 + self.roll(ad.id, day, "reach") % 250)

    def fact(self, ad: Entity, day: dt.date, now: dt.datetime) -> Fact:
        """What Meta shows of the ad's day at `now`."""
        return self.fact_at(ad, day, self.wall_clock(ad.account, now))

    def fact_at(self, ad: Entity, day: dt.date, local: dt.datetime) -> Fact:
        """The same by the account's wall clock: young days still grow, for 28 days; the running day by the hour."""
        final, reached = self.final(ad.id, day)
        if not final.impressions:
            return final
        age = (local.date() - day).days
        if age < 0:
            return NOTHING
        if age >= FINAL_AFTER_DAYS:
            grown = 1000
        elif age == 0:
            grown = 700 * local.hour // 24
        else:
            grown = 800 + 200 * age // FINAL_AFTER_DAYS
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        impressions = final.impressions * grown // 1000
        purchases = final.purchases * grown // 1000
        return Fact(
            impressions,
            final.clicks * grown // 1000,
            final.link_clicks * grown // 1000,
            final.spend * grown // 1000 // unit * unit,
            purchases,
            final.value // max(1, final.purchases) // unit * unit * purchases,
            max(1, impressions * reached // 1000) if impressions else 0,
        )

    def delivered(
        self, ads: Iterable[Entity], since: dt.date, until: dt.date, local: dt.datetime
    ) -> Iterable[tuple[Entity, dt.date, Fact]]:
        """Every ad's days with delivery, ad by ad."""
        days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        for ad in ads:
            for day in days:
                if (fact := self.fact_at(ad, day, local)).impressions:
                    yield ad, day, fact
