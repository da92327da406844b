"""Compute what is due for invitations: alerts about their states, reminders, which have lapsed, and when a share is
checked next. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from meta_pipeline.alerts.due import Alert
from meta_pipeline.invitations.states import UNANSWERED, WORDS
from meta_pipeline.store.people.invitations import Invitation

REMINDERS = (2, 5)  # days after an invitation was created
# How long to wait before a share is checked again: a person answers within minutes or within days.
INTERVALS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
_DETAILS = {
    "created": "The link was created. Send it to the customer.",
    "opened": "The customer has opened the link.",
    "signed_in": "Somebody has signed in with Facebook. What they can share is being read.",
    "waiting_for_meta": "The customer says that everything is shared, or has signed in. Meta is polled until it shows.",
    "partly_granted": "Some of the requested access is missing. The invitation's page says what and why.",
    "verified": "Everything that was requested can be read.",
    "lapsed": "Nobody answered in time. The link has ended; issue it again if it is still needed.",
    "declined": "The customer declined. The link works until it ends, in case they change their mind.",
    "revoked": "The link was revoked and no longer opens.",
}


def state_alert(invitation: Invitation, *, title: str, url: str) -> Alert:
    """Return the alert about the state that an invitation has reached."""
    return Alert(
        key=f"invitation:{invitation.id}:{invitation.state}:{invitation.state_at.isoformat()}",
        subject=f"Invitation {invitation.id} of {title}: {WORDS[invitation.state]}",  # type: ignore[index]
        detail=_DETAILS[invitation.state], url=url, action="Open the invitations",
        effect=f"It ends on {invitation.ends_at:%Y-%m-%d %H:%M} UTC.",
    )


def reminder(invitation: Invitation, *, title: str, url: str, now: dt.datetime) -> Alert | None:
    """Return the latest reminder that is due; None when none is, or when the invitation was answered or has ended."""
    if invitation.state not in UNANSWERED or now >= invitation.ends_at:
        return None
    days = max((days for days in REMINDERS if now - invitation.created_at >= dt.timedelta(days=days)), default=None)
    if days is None:
        return None
    opened = "has opened it and not answered" if invitation.state == "opened" else "has not opened it"
    return Alert(
        key=f"invitation:{invitation.id}:reminder:{days}",
        subject=f"Invitation {invitation.id} of {title} has waited for {days} days",
        detail=f"The customer {opened}. Remind them.", url=url, action="Open the invitations",
        effect=f"It ends on {invitation.ends_at:%Y-%m-%d %H:%M} UTC.",
    )


def lapsed(invitations: Iterable[Invitation], *, now: dt.datetime) -> Iterator[Invitation]:
    """Yield the invitations that ended without an answer, or without the partner share that was announced."""
    for invitation in invitations:
        is_waiting = invitation.state == "waiting_for_meta" and invitation.way == "partner"
        if now >= invitation.ends_at and (invitation.state in UNANSWERED or is_waiting):
            yield invitation


def next_check(checks: int, *, now: dt.datetime) -> dt.datetime:
    """Return when a share is checked again after this many checks: the intervals grow."""
    return now + INTERVALS[min(checks, len(INTERVALS) - 1)]
