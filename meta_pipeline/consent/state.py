"""The OAuth `state`: signed, short-lived, bound to one browser and used once. Issuing one stores nothing."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from itsdangerous import BadData, SignatureExpired

from meta_pipeline.consent.signing import as_bytes, digest_of, is_same, timed_serializer
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.connections import oauth_states

LIFE = dt.timedelta(minutes=10)
PURPOSE = "oauth state"
MOST_CHARACTERS = 2000


class ConsentError(MetaPipelineError):
    """A consent did not complete. `reason` is a code of RFC 6749 §4.1.2.1 where one exists."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The content of a state. `browser`: digest of the browser's secret; empty for a listener on loopback, which only
    this machine reaches. `reconnect_link`, `invitation`: digest of the link that let the person in."""

    nonce: str
    issued_at: dt.datetime
    phase: int = 1
    browser: str = ""
    reconnect_link: str = ""
    invitation: str = ""


def browser_digest(browser_secret: str) -> str:
    """Return the digest that represents a browser's secret in a state and in the store."""
    return digest_of(browser_secret)[:32]


def issue(
    *, key: str, now: dt.datetime, phase: int = 1, browser_secret: str | None = None,
    reconnect_link: str = "", invitation: str = "",
) -> str:
    """Return a fresh state that only the holder of `key` can make."""
    browser = browser_digest(browser_secret) if browser_secret else ""
    content = {
        "nonce": secrets.token_urlsafe(24), "phase": phase, "browser": browser, "reconnect_link": reconnect_link,
        "invitation": invitation,
    }
    return timed_serializer(PURPOSE, key=key, now=now).dumps(content)


def read_state(text: str, *, key: str, now: dt.datetime, browser_secret: str | None = None) -> State:
    """Return the content of a state; raise ConsentError unless we issued it to this browser, 10 minutes ago at most."""
    invalid = ConsentError("state_invalid", "this response of the login dialog has no valid state: start again")
    if len(text) > MOST_CHARACTERS:
        raise invalid
    try:
        content, issued_at = timed_serializer(PURPOSE, key=key, now=now).loads(
            as_bytes(text), max_age=int(LIFE.total_seconds()), return_timestamp=True
        )
    except SignatureExpired:
        raise ConsentError("state_expired", "the login dialog was open for more than 10 minutes: start again") from None
    except BadData:
        raise invalid from None
    state = State(**content, issued_at=issued_at)
    if not is_same(state.browser, browser_digest(browser_secret) if browser_secret else ""):
        raise ConsentError(
            "state_foreign", "this response belongs to a login that was started in another browser: start again here"
        )
    return state


def use(
    engine: sa.Engine, text: str, *, key: str, now: dt.datetime, browser_secret: str | None = None
) -> State:
    """Read a state and mark it as used; raise ConsentError when it is invalid or was used before."""
    state = read_state(text, key=key, now=now, browser_secret=browser_secret)
    mark_used(engine, state, now=now)
    return state


def mark_used(engine: sa.Engine, state: State, *, now: dt.datetime) -> None:
    """Record that a state was used; raise ConsentError when it was used before."""
    if not oauth_states.mark_used(
        engine, state.nonce, issued_at=state.issued_at, now=now, forget_before=now - 2 * LIFE
    ):
        raise ConsentError("state_reused", "this response of the login dialog was used before: start again")
