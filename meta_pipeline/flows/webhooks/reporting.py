"""Alerts about subscriptions that are off: once to each target, until the subscription was active again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Target
from meta_pipeline.flows.deliveries import deliver_to_each
from meta_pipeline.store.connections import alerts
from meta_pipeline.store.webhooks.subscriptions import Subscription


def report(
    checked: Sequence[Subscription], *, targets: Sequence[Target], engine: sa.Engine, url: str, now: dt.datetime
) -> tuple[list[Alert], list[str]]:
    """Deliver an alert for each subscription that is off; return those that were delivered, and a sentence for each
    delivery that failed."""
    delivered, problems = [], []
    received = alerts.delivered(engine)
    for each in checked:
        key = f"webhook:{each.kind}:{each.subject_id}"
        if each.status == "active":
            for target in targets:
                alerts.forget(engine, [key], target.name)
        if each.status != "off":
            continue
        alert = Alert(
            key=key, subject=f"{each.name} do not arrive", detail=f"{each.reason}.", url=url,
            action="Run `meta-pipeline webhooks subscribe`",
            effect="Until then, changes are seen only with the next regular read.",
        )
        missing = [target for target in targets if (key, target.name) not in received]
        is_delivered, troubles = deliver_to_each(alert, missing, engine=engine, now=now)
        delivered += [alert] if is_delivered else []
        problems += troubles
    return delivered, problems
