"""A believable world from a seed: businesses, ad accounts, ads, Pages, people; and what every ad did on every day.

All numbers are integers (money in millionths of the account's currency), derived from hash(seed, ad, day): every query
adds up the same facts, so all of them agree.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

APP_ID = "900000000000001"
USER_ID = "1020000000000001"
SYSTEM_USER_ID = "1020000000000099"
FIRST_DAY = dt.date(2025, 9, 1)
FINAL_AFTER_DAYS = 28


@dataclass(frozen=True)
class Business:
    """A business portfolio."""

    id: str
    name: str


@dataclass(frozen=True)
class Account:
    """An ad account; days are on its own calendar."""

    id: str
    name: str
    timezone: str
    currency: str
    business: Business
    is_delivering: bool = True
    zone: ZoneInfo = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))


@dataclass(frozen=True)
class Entity:
    """A campaign, ad set or ad. `ended` is the first day without delivery any more."""

    id: str
    kind: str
    name: str
    account: Account
    status: str
    created: dt.date
    ended: dt.date | None = None
    parents: tuple[Entity, ...] = ()


@dataclass(frozen=True)
class Page:
    """A Facebook Page and its Instagram account."""

    id: str
    name: str
    business: Business
    instagram_id: str
    instagram_name: str


@dataclass(frozen=True)
class Shared:
    """A pixel or a catalog of a business."""

    id: str
    name: str
    business: Business


@dataclass(frozen=True, slots=True)
class Fact:
    """What one ad did: additive integers; `spend` and `value` in millionths."""

    impressions: int = 0
    clicks: int = 0
    link_clicks: int = 0
    spend: int = 0
    purchases: int = 0
    value: int = 0
    reach: int = 0


NOTHING = Fact()
OWN = Business("2000000000001", "Northwind Agency")
PARTNERS = (Business("2000000000002", "Aroha Outdoor"), Business("2000000000003", "Sakura Beauty"))
ACCOUNTS = (
    Account("1000000001", "Northwind US", "America/Los_Angeles", "USD", OWN),
    Account("1000000002", "Northwind Europe", "Europe/Berlin", "EUR", OWN),
    Account("1000000003", "Northwind UK", "Europe/London", "GBP", OWN),
    Account("1000000004", "Northwind Japan", "Asia/Tokyo", "JPY", OWN),
    Account("1000000005", "Aroha Outdoor NZ", "Pacific/Auckland", "NZD", PARTNERS[0]),
    Account("1000000006", "Northwind Brazil (new)", "America/Sao_Paulo", "BRL", OWN, is_delivering=False),
)
PAGES = (
    Page("3000000000001", "Northwind", OWN, "17841400000000001", "northwind"),
    Page("3000000000002", "Aroha Outdoor", PARTNERS[0], "17841400000000002", "aroha.outdoor"),
    Page("3000000000003", "Sakura Beauty", PARTNERS[1], "17841400000000003", "sakura.beauty"),
)
PIXELS = (
    Shared("5000000000001", "Northwind shop", OWN), Shared("5000000000002", "Aroha Outdoor shop", PARTNERS[0]),
)
CATALOGS = (
    Shared("6000000000001", "Northwind products", OWN), Shared("6000000000003", "Sakura products", PARTNERS[1]),
)
ZERO_DECIMAL = {"JPY", "KRW", "CLP", "ISK", "VND"}
_THEMES = ("Spring launch", "Always on", "Retargeting", "Reels test", "Clearance")
_AUDIENCES = ("broad", "lookalike 1%", "site visitors", "café & brunch")
_FORMATS = ("Reel A", "Reel B", "Carousel", "Story", "Video 15s")


def _more(count: int) -> list[Account]:
    """Further accounts like the first four, for a world as large as an agency's."""
    return [
        Account(str(1000000007 + n), f"{ACCOUNTS[n % 4].name} {2 + n // 4}", ACCOUNTS[n % 4].timezone,
                ACCOUNTS[n % 4].currency, OWN)
        for n in range(count)
    ]


class World:
    """The facts of one seed, seen at a moment."""

    def __init__(self, seed: int, accounts: int = len(ACCOUNTS)) -> None:
        self.seed = seed
        self.accounts = {account.id: account for account in (*ACCOUNTS, *_more(accounts - len(ACCOUNTS)))}
        self.pages = {page.id: page for page in PAGES}
        self.campaigns: dict[str, Entity] = {}
        self.ad_sets: dict[str, Entity] = {}
        self.ads: dict[str, Entity] = {}
        for account in self.accounts.values():
            if account.is_delivering:
                self._build(account)
        self._ads_of: dict[str, list[Entity]] = {account_id: [] for account_id in self.accounts}
        for ad in self.ads.values():
            self._ads_of[ad.account.id].append(ad)
        self.final = functools.lru_cache(maxsize=None)(self._final)

    def roll(self, *parts: object) -> int:
        """64 deterministic bits."""
        text = "|".join([str(self.seed), *map(str, parts)])
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def _build(self, account: Account) -> None:
        serial = int(account.id) % 1000
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
                for a in range(3):
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
        self.ads[ad_id] = Entity(
            ad_id, "ad", name, ad_set.account, status, ad_set.created, gone, (campaign, ad_set)
        )

    def ads_of(self, account_id: str) -> list[Entity]:
        """The ads of an account, deleted and archived ones too."""
        return self._ads_of[account_id]

    def _final(self, ad_id: str, day: dt.date) -> Fact:
        """What the ad will have done on that day once the numbers are frozen."""
        ad = self.ads[ad_id]
        draw = self.roll(ad_id, day)
        if day < ad.created or (ad.ended and day >= ad.ended) or draw % 100 < 12:
            return Fact()
        impressions = 200 + (draw >> 8) % 4000
        clicks = impressions * (10 + (draw >> 20) % 30) // 1000
        link_clicks = clicks * (500 + (draw >> 28) % 400) // 1000
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        price = {"JPY": 1_200_000, "BRL": 40_000}.get(ad.account.currency, 9_000)
        spend = impressions * (price * (700 + (draw >> 36) % 600) // 1000)
        purchases = link_clicks * ((draw >> 44) % 90) // 1000
        value = purchases * price * (3000 + (draw >> 50) % 4000)
        return Fact(impressions, clicks, link_clicks, spend // unit * unit, purchases, value // unit * unit)

    def fact(self, ad: Entity, day: dt.date, now: dt.datetime) -> Fact:
        """What Meta shows of the ad's day at `now`: young days still grow, for 28 days; the running day by the hour."""
        final = self.final(ad.id, day)
        if not final.impressions:
            return final
        local = now.astimezone(ad.account.zone)
        age = (local.date() - day).days
        if age < 0:
            return Fact()
        if age >= FINAL_AFTER_DAYS:
            grown = 1000
        elif age == 0:
            grown = 700 * local.hour // 24
        else:
            grown = 800 + 200 * age // FINAL_AFTER_DAYS
        unit = 1_000_000 if ad.account.currency in ZERO_DECIMAL else 1
        impressions = final.impressions * grown // 1000
        purchases = final.purchases * grown // 1000
        reach = impressions * (700 + self.roll(ad.id, day, "reach") % 250) // 1000
        return Fact(
            impressions,
            final.clicks * grown // 1000,
            final.link_clicks * grown // 1000,
            final.spend * grown // 1000 // unit * unit,
            purchases,
            final.value // max(1, final.purchases) // unit * unit * purchases,
            max(1, reach) if impressions else 0,
        )


def added(facts: list[Fact]) -> Fact:
    """The sum of facts; reach is of people, who overlap: at least the largest part, less than the sum."""
    if len(facts) == 1:
        return facts[0]
    reaches = [fact.reach for fact in facts]
    return Fact(
        sum(fact.impressions for fact in facts),
        sum(fact.clicks for fact in facts),
        sum(fact.link_clicks for fact in facts),
        sum(fact.spend for fact in facts),
        sum(fact.purchases for fact in facts),
        sum(fact.value for fact in facts),
        max(max(reaches, default=0), sum(reaches) * 72 // 100),
    )


def money(millionths: int) -> str:
    """An amount as Meta writes it: a decimal string, no more digits than it has."""
    whole, rest = divmod(millionths, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else str(whole)
