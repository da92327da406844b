"""How a token is doing and what to click when it breaks, as data. No I/O, no clock.

What each subcode of 190 means: graph-api.md §7.2 (D-GERR; 493: P). Where Meta's own settings pages are is remembered
(R), so their base is the setting META_PIPELINE_BUSINESS_URL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode

from meta_pipeline.display import printable
from meta_pipeline.records import TokenRef

# Days before its end at which a token is spoken of.
THRESHOLDS = (14, 7, 3, 1)
# A token that can be exchanged is, early enough that nobody hears of it unless that fails.
EXCHANGE_DAYS = 20
DISCONNECTED = "it was disconnected here"
WITH_PARENT = "the person's own token died"


@dataclass(frozen=True, slots=True)
class ActionLinks:
    """Where people fix things. `invites`: mails and webhooks carry an invitation, because those who read them can't
    sign in here."""

    public_url: str
    business_url: str
    facebook_url: str
    invites: bool = False

    def connect(self, phase: int = 1, *, asks_again: bool = False) -> str:
        """Our own way into the login dialog."""
        query: dict[str, str] = {"phase": str(phase)}
        if asks_again:
            query["rerequest"] = "1"
        return f"{self.public_url.rstrip('/')}/connect?{urlencode(query)}"

    def invited(self, phase: int, invitation: str) -> str:
        """Return the link for the person whom an invitation is for: to the page that says what is requested."""
        return f"{self.public_url.rstrip('/')}/connections/new?{urlencode({'phase': phase, 'invitation': invitation})}"

    def node(self, kind: str, node_id: str) -> str:
        """Where people are given tasks on a node."""
        where = {"ad_account": "ad-accounts", "page": "pages", "instagram_account": "instagram-account-v2s"}
        return f"{self.business_url.rstrip('/')}/settings/{where.get(kind, '')}/{node_id.removeprefix('act_')}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, in a sentence, and the one click that fixes it."""

    told: str
    click: str
    url: str
    is_urgent: bool = True

    def __post_init__(self) -> None:
        # Names come from Meta, and this sentence reaches terminals, Dagster and pages.
        object.__setattr__(self, "told", printable(self.told, limit=1000))


@dataclass(frozen=True, slots=True)
class TokenInvalidation:
    """What a subcode of 190 says happened. `first`: a place to go to before connecting again; `takes_pages`: whether
    the Page tokens that came through this token are dead with it."""

    happened: str
    first: str | None = None
    takes_pages: bool = True


DEATHS: dict[int | None, TokenInvalidation] = {
    458: TokenInvalidation("removed this app from their Facebook settings"),
    459: TokenInvalidation(
        "has to pass a checkpoint of Facebook: log in there and follow the instructions",
        first="facebook"),
    460: TokenInvalidation("changed the password, or Facebook ended the session for security"),
    463: TokenInvalidation("has not renewed the consent in time: the token has expired", takes_pages=False),
    464: TokenInvalidation(
        "has an account that is not confirmed: confirm it on Facebook",
        first="facebook"),
    467: TokenInvalidation("logged out, or Facebook invalidated the session"),
    492: TokenInvalidation(
        "lost the role on the Page: ask its admin to give it back, with the task ANALYZE",
        first="page",
        takes_pages=False),
    493: TokenInvalidation("has not used this app for 90 days: data access has lapsed"),
    None: TokenInvalidation("has a token that Meta does not accept any more"),
}


def death_of(ref: TokenRef) -> TokenInvalidation:
    """What ended a token."""
    return DEATHS.get(ref.retired_subcode, DEATHS[None])


def days_left(until: dt.datetime | None, *, now: dt.datetime) -> int | None:
    """Whole days until then, 0 on the last one; None for never."""
    return None if until is None else max(0, (until - now).days)


def token_troubles(ref: TokenRef, *, phase: int, clicks: ActionLinks, now: dt.datetime) -> list[Trouble]:
    """What is wrong with the token itself, most urgent first."""
    again = clicks.connect(phase)
    if ref.retired_at is not None:
        if ref.retired_because == DISCONNECTED:
            return [Trouble(f"{ref.subject_name} was disconnected here.", "Connect again", again)]
        death = death_of(ref)
        told = f"{ref.subject_name} {death.happened}."
        if death.first == "facebook":
            return [
                Trouble(told, "Open Facebook", clicks.facebook_url), Trouble("After that:", "Connect again", again)
            ]
        if death.first == "page":
            where = clicks.node("page", ref.subject_id if ref.kind == "page" else "")
            return [Trouble(told, "Open the Page's settings", where), Trouble("After that:", "Connect again", again)]
        return [Trouble(told, "Connect again", again)]
    found = []
    for until, ends in ((ref.expires_at, "expires"), (ref.data_access_expires_at, "loses data access")):
        left = days_left(until, now=now)
        if left is not None and left < THRESHOLDS[0]:
            found.append(
                Trouble(
                    f"The token of {ref.subject_name} {ends} {in_days(left)}.", "Renew now", again,
                    is_urgent=left < THRESHOLDS[2],
                )
            )
    return found


def in_days(left: int) -> str:
    """`within a day`, `in 7 days`."""
    return "within a day" if left < 1 else "in 1 day" if left == 1 else f"in {left} days"


def task_trouble(kind: str, node_id: str, name: str, tasks: tuple[str, ...], *, clicks: ActionLinks) -> Trouble | None:
    """What is wrong when the tasks on a node don't suffice to read it; None when they do, or are not known."""
    if not tasks or "ANALYZE" in tasks or kind not in ("ad_account", "page", "instagram_account"):
        return None
    return Trouble(
        f"{name or node_id} can't be read: the task ANALYZE (“View performance”) is missing.", "Give the task",
        clicks.node(kind, node_id),
    )
