"""Alerts about checks that fail in the published marts, and about checks that pass again. No token is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.alerts.check_alerts import failure_alerts, resolved_alert, resolved_keys
from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Target
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.status.check_failures import CheckFailure
from meta_pipeline.store.connections import alerts


def send_check_alerts(
    targets: Sequence[Target], failures: Sequence[CheckFailure], *, engine: sa.Engine, url: str, now: dt.datetime
) -> tuple[list[Alert], list[str]]:
    """Deliver to each target the failures that it has not received, in one alert per account, and one alert that lists
    the failures that it received and that no longer occur. A failure that comes back is delivered again. Return the
    alerts that were delivered, and a sentence for each delivery that failed."""
    received = alerts.delivered(engine)
    delivered: dict[str, Alert] = {}
    problems = []
    for target in targets:
        keys = {key for key, name in received if name == target.name}
        try:
            for alert, reported in failure_alerts((each for each in failures if each.key not in keys), url=url):
                target.deliver(alert)
                delivered[alert.text] = alert
                for failure in reported:
                    alerts.record_delivery(engine, failure.key, target.name, f"{failure.sentence}. {url}", now=now)
            if gone := resolved_keys(keys, failures):
                alert = resolved_alert(gone, url=url)
                target.deliver(alert)
                delivered[alert.text] = alert
                alerts.forget(engine, gone, target.name)
        except MetaPipelineError as error:  # the next call retries it
            problems.append(str(error))
    return list(delivered.values()), problems
