"""The webhook subscriptions that were requested here, and their status at Meta."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.webhooks import webhook_subscriptions as subscriptions
from meta_pipeline.store.upserts import insert_or_replace

SubscriptionKind = Literal["app", "page", "ad_account"]
Status = Literal["active", "off", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription of the app to an object (`subject_id` is its name), or to a Page or ad account. `reason`: why it
    is off, or why that is unknown."""

    kind: SubscriptionKind
    subject_id: str
    fields: tuple[str, ...]
    status: Status
    ordered_at: dt.datetime
    reason: str | None = None
    checked_at: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Return the name that messages show."""
        words = {"app": "webhooks about", "page": "webhooks of Page", "ad_account": "webhooks of ad account"}
        return f"{words[self.kind]} {self.subject_id}"


def save(engine: sa.Engine, subscription: Subscription) -> None:
    """Insert or replace a subscription."""
    row = {name: getattr(subscription, name) for name in (
        "kind", "subject_id", "status", "reason", "ordered_at", "checked_at",
    )}
    insert_or_replace(engine, subscriptions, [{**row, "fields": list(subscription.fields)}])


def find_all(engine: sa.Engine) -> list[Subscription]:
    """Return every subscription, those of the app first."""
    table = subscriptions
    query = sa.select(table).order_by(table.c.kind != "app", table.c.kind, table.c.subject_id)
    with engine.connect() as connection:
        return [
            Subscription(**{**row._mapping, "fields": tuple(row.fields)}) for row in connection.execute(query)
        ]


def remove(engine: sa.Engine, subscription: Subscription) -> None:
    """Remove a subscription from the store."""
    here = sa.and_(
        subscriptions.c.kind == subscription.kind, subscriptions.c.subject_id == subscription.subject_id
    )
    with engine.begin() as connection:
        connection.execute(subscriptions.delete().where(here))
