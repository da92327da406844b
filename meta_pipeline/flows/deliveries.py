"""Deliver one alert to several targets: each successful delivery is recorded, so that only failed ones are retried."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Target
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.connections import alerts


def deliver_unchanged(alert: Alert, target: Target) -> None:
    """Deliver the alert without changes for this target."""
    target.deliver(alert)


def deliver_to_each(
    alert: Alert, targets: Iterable[Target], *, engine: sa.Engine, now: dt.datetime,
    deliver: Callable[[Alert, Target], None] = deliver_unchanged,
) -> tuple[bool, list[str]]:
    """Call `deliver` for each target and record each delivery. Return whether any target received the alert, and a
    sentence for each delivery that failed: it is retried by the next call, because it is not recorded."""
    problems: list[str] = []
    is_delivered = False
    for target in targets:
        try:
            deliver(alert, target)
        except MetaPipelineError as error:
            problems.append(str(error))
            continue
        alerts.record_delivery(engine, alert.key, target.name, alert.text, now=now)
        is_delivered = True
    return is_delivered, problems
