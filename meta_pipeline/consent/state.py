"""The OAuth `state`: signed, short-lived, bound to the browser that asked, used once. Issuing one writes nothing."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from meta_pipeline.consent.signing import is_same, mac
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.schema.connections import oauth_states

LIFE = dt.timedelta(minutes=10)
PURPOSE = "oauth state"
LONGEST = 2000  # characters; what is longer is not ours


class ConsentError(MetaPipelineError):
    """Consent did not come about. `reason` is a word of RFC 6749 §4.1.2.1 where one exists."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class State:
    """What a state says. `browser`: digest of the asking browser's secret; empty for a listener on loopback, which
    nobody else hears. `invitation`: digest of the invitation that let the person in."""

    nonce: str
    at: int
    phase: int = 1
    browser: str = ""
    invitation: str = ""


def digest_of(browser_secret: str) -> str:
    """What stands for a browser's secret where others may read it."""
    return hashlib.sha256(browser_secret.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def issue(
    *, key: str, now: dt.datetime, phase: int = 1, browser_secret: str | None = None, invitation: str = ""
) -> str:
    """A fresh state that only the holder of `key` can have made."""
    browser = digest_of(browser_secret) if browser_secret else ""
    return signed(State(secrets.token_urlsafe(24), int(now.timestamp()), phase, browser, invitation), key=key)


def signed(state: State, *, key: str) -> str:
    """The state as text."""
    body = _b64(json.dumps(asdict(state), separators=(",", ":")).encode())
    return f"{body}.{mac(PURPOSE, body, key=key)}"


def read_state(text: str, *, key: str, now: dt.datetime, browser_secret: str | None = None) -> State:
    """A state that is ours, young and this browser's; ConsentError otherwise."""
    body, _, signature = text.partition(".")
    if len(text) > LONGEST or not is_same(mac(PURPOSE, body, key=key), signature):
        raise ConsentError("state_invalid", "the answer of the login dialog is not to a question of ours: start again")
    try:
        state = State(**json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (ValueError, TypeError, binascii.Error):
        raise ConsentError("state_invalid", "the answer of the login dialog can't be read: start again") from None
    if now - dt.datetime.fromtimestamp(state.at, dt.UTC) > LIFE:
        raise ConsentError("state_expired", "the login dialog was open for more than 10 minutes: start again")
    told = digest_of(browser_secret) if browser_secret else ""
    if not is_same(state.browser, told):
        raise ConsentError(
            "state_foreign", "this answer belongs to a login that was started in another browser: start again here"
        )
    return state


def use(
    engine: sa.Engine, text: str, *, key: str, now: dt.datetime, browser_secret: str | None = None
) -> State:
    """The state is spent; ConsentError when it is not ours, too old, another browser's or spent before."""
    state = read_state(text, key=key, now=now, browser_secret=browser_secret)
    spend(engine, state, now=now)
    return state


def spend(engine: sa.Engine, state: State, *, now: dt.datetime) -> None:
    """A state that was read is not used again; ConsentError when it was before."""
    issued_at = dt.datetime.fromtimestamp(state.at, dt.UTC)
    try:
        with engine.begin() as connection:
            connection.execute(oauth_states.insert().values(nonce=state.nonce, issued_at=issued_at, used_at=now))
            # An expired one is refused by its own words: nothing has to remember it.
            connection.execute(oauth_states.delete().where(oauth_states.c.issued_at < now - 2 * LIFE))
    except sa.exc.IntegrityError:
        raise ConsentError(
            "state_reused", "this answer of the login dialog was used before: start again"
        ) from None


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

