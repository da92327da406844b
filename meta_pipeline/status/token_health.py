"""The health of a token, as data: when its end is reported, and what each subcode of Meta's 190 means.

Meanings of the subcodes: docs/graph-api.md §7.2 (D-GERR; 493: P)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.records import TokenRef

# Days before its end at which a token is reported.
THRESHOLDS = (14, 7, 3, 1)
# A token that can be exchanged is exchanged this many days before its end, so that it is reported only when that fails.
EXCHANGE_DAYS = 20
DISCONNECTED = "it was disconnected here"
WITH_PARENT = "the person's own token died"
DEAUTHORIZED = "the person removed this app"
APP_REMOVED = 458  # the subcode of 190 for it


@dataclass(frozen=True, slots=True)
class TokenInvalidation:
    """The event that a subcode of 190 reports. `first`: the place to go to before connecting again; `takes_pages`:
    whether the Page tokens that came through this token are invalid with it."""

    happened: str
    first: str | None = None
    takes_pages: bool = True


INVALIDATIONS: dict[int | None, TokenInvalidation] = {
    APP_REMOVED: TokenInvalidation("removed this app from their Facebook settings"),
    459: TokenInvalidation(
        "has to pass a checkpoint of Facebook: log in there and follow the instructions", first="facebook"
    ),
    460: TokenInvalidation("changed the password, or Facebook ended the session for security"),
    463: TokenInvalidation("has not renewed the consent in time: the token has expired", takes_pages=False),
    464: TokenInvalidation("has an account that is not confirmed: confirm it on Facebook", first="facebook"),
    467: TokenInvalidation("logged out, or Facebook invalidated the session"),
    492: TokenInvalidation(
        "lost the role on the Page: ask its admin to give it back, with the task ANALYZE", first="page",
        takes_pages=False,
    ),
    493: TokenInvalidation("has not used this app for 90 days: data access has lapsed"),
    None: TokenInvalidation("has a token that Meta no longer accepts"),
}


def invalidation(subcode: int | None) -> TokenInvalidation:
    """Return the event that a subcode of 190 reports; a general one for an unknown subcode."""
    return INVALIDATIONS.get(subcode, INVALIDATIONS[None])


def invalidation_of(ref: TokenRef) -> TokenInvalidation:
    """Return the event that ended a token."""
    return invalidation(ref.retired_subcode)


def days_left(until: dt.datetime | None, *, now: dt.datetime) -> int | None:
    """Return the number of whole days until a time, 0 on the last day; None if there is no end."""
    return None if until is None else max(0, (until - now).days)


def in_days(days: int) -> str:
    """Return `within a day`, `in 1 day`, `in 7 days`."""
    return "within a day" if days < 1 else "in 1 day" if days == 1 else f"in {days} days"
