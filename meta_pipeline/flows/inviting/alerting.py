"""Send alerts about invitations: each state that an invitation reaches, and reminders of unanswered ones."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Target
from meta_pipeline.flows.deliveries import deliver_to_each
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.intake.intake import Intake
from meta_pipeline.invitations.due import reminder, state_alert
from meta_pipeline.store.connections import alerts
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation

REPORTED_FOR = dt.timedelta(days=7)  # an older change of state is no longer delivered


def send_invitation_alerts(
    targets: Sequence[Target], *, intake: Intake, engine: sa.Engine, public_url: str, now: dt.datetime
) -> tuple[list[Alert], list[str]]:
    """End the invitations that were not answered in time, then deliver to each target the alerts that it has not
    received. Return the alerts that were delivered, and a sentence for each delivery that failed."""
    issuing.lapse(engine=engine, now=now)
    received = alerts.delivered(engine)
    sent: list[Alert] = []
    problems: list[str] = []
    for alert in _due(intake, engine=engine, public_url=public_url, now=now):
        missing = [target for target in targets if (alert.key, target.name) not in received]
        delivered, failed = deliver_to_each(alert, missing, engine=engine, now=now)
        problems += failed
        if delivered:
            sent.append(alert)
    return sent, problems


def _due(intake: Intake, *, engine: sa.Engine, public_url: str, now: dt.datetime) -> list[Alert]:
    pending: list[Alert] = []
    for invitation in reversed(invitations.find_all(engine)):
        tenant = intake.tenant(invitation.tenant)
        title = tenant.display_name if tenant else invitation.tenant
        url = f"{public_url.rstrip('/')}/tenants/{invitation.tenant}"
        pending += [state_alert(past, title=title, url=url) for past in _states(invitation, engine, now)]
        due = reminder(invitation, title=title, url=url, now=now)
        pending += [due] if due is not None else []
    return pending


def _states(invitation: Invitation, engine: sa.Engine, now: dt.datetime) -> list[Invitation]:
    """Return the invitation in each state that it reached within REPORTED_FOR."""
    return [
        dataclasses.replace(invitation, state=change.state, state_at=change.at)
        for change in invitations.history(engine, invitation.id) if now - change.at < REPORTED_FOR
    ]
