"""The types of the objects in the world; the objects of every world are in `cast.py`."""

from __future__ import annotations

import datetime as dt
from dataclasses import KW_ONLY, dataclass, field
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Business:
    """A business portfolio."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """An ad account; its days are on its own calendar."""

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
    """A campaign, ad set or ad (`kind`: campaign, adset, ad), as it is now.

    `parents` are the campaign and the ad set above it. `ended_on` is the first day without delivery; `pauses` are spans
    of days without delivery, end excluded. `created_at` is set for entities created through a control call, `edited_at`
    at every edit; `fields` are those that its creation through the API set; an ad `is_in_review` or `is_disapproved`
    after it was switched on.
    """

    id: str
    kind: str
    _: KW_ONLY
    name: str
    account: Account
    status: str
    created_on: dt.date
    ended_on: dt.date | None = None
    parents: tuple[Entity, ...] = ()
    daily_budget: str | None = None
    created_at: dt.datetime | None = None
    edited_at: dt.datetime | None = None
    pauses: list[tuple[dt.date, dt.date]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    is_in_review: bool = False
    is_disapproved: bool = False

    @property
    def effective_status(self) -> str:
        """Its own status, unless a parent is not active (docs/graph-api.md §9)."""
        if self.status != "ACTIVE":
            return self.status
        for parent in self.parents:
            if parent.status == "PAUSED":
                return "CAMPAIGN_PAUSED" if parent.kind == "campaign" else "ADSET_PAUSED"
            if parent.status != "ACTIVE":
                return parent.status
        if self.is_in_review:
            return "PENDING_REVIEW"
        return "DISAPPROVED" if self.is_disapproved else self.status

    def delivers_on(self, day: dt.date) -> bool:
        """Check whether neither itself nor a parent is paused or ended on that day."""
        return day >= self.created_on and not self.is_in_review and not self.is_disapproved and all(
            not (entity.ended_on and day >= entity.ended_on)
            and not any(since <= day < until for since, until in entity.pauses)
            for entity in (*self.parents, self)
        )


@dataclass(frozen=True, kw_only=True)
class Page:
    """A Facebook Page and its Instagram account."""

    id: str
    name: str
    business: Business
    instagram_id: str
    instagram_name: str


@dataclass(frozen=True)
class SharedAsset:
    """A pixel or a catalog of a business."""

    id: str
    name: str
    business: Business
