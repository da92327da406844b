"""What there is in the world: portfolios, ad accounts, campaigns, ad sets, ads, Pages; and the cast everyone meets."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


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


@dataclass(eq=False)
class Entity:
    """A campaign, ad set or ad, as it is now. `ended` is the first day without delivery any more; `pauses` are spans of
    days without any, end excluded; `changed` is when somebody edited it."""

    id: str
    kind: str
    name: str
    account: Account
    status: str
    created: dt.date
    ended: dt.date | None = None
    parents: tuple[Entity, ...] = ()
    daily_budget: str | None = None
    made_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    pauses: list[tuple[dt.date, dt.date]] = field(default_factory=list)

    @property
    def effective_status(self) -> str:
        """Its own status, unless something above it stands still (graph-api.md §9)."""
        if self.status != "ACTIVE":
            return self.status
        for parent in self.parents:
            if parent.status == "PAUSED":
                return "CAMPAIGN_PAUSED" if parent.kind == "campaign" else "ADSET_PAUSED"
            if parent.status != "ACTIVE":
                return parent.status
        return self.status

    def delivers_on(self, day: dt.date) -> bool:
        """Whether it can, as far as itself and what is above it are concerned."""
        return day >= self.created and all(
            not (one.ended and day >= one.ended) and not any(since <= day < until for since, until in one.pauses)
            for one in (*self.parents, self)
        )


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


def more_accounts(count: int) -> list[Account]:
    """Further accounts like the first four, for a world as large as an agency's."""
    return [
        Account(str(1000000007 + n), f"{ACCOUNTS[n % 4].name} {2 + n // 4}", ACCOUNTS[n % 4].timezone,
                ACCOUNTS[n % 4].currency, OWN)
        for n in range(count)
    ]
