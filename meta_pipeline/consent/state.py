"""The OAuth `state`: signed, short-lived, used once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets

import sqlalchemy as sa

from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.schema import oauth_states

LIFE = dt.timedelta(minutes=10)


class ConsentError(MetaPipelineError):
    """Consent did not come about. `reason` is a word of RFC 6749 §4.1.2.1 where one exists."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


def sign_state(nonce: str, *, key: str, at: dt.datetime) -> str:
    """A state that only the holder of `key` can have made."""
    body = _b64(json.dumps({"nonce": nonce, "at": int(at.timestamp())}).encode())
    return f"{body}.{_mac(body, key)}"


def read_state(state: str, *, key: str, now: dt.datetime) -> str:
    """The nonce of a state that is ours and young; ConsentError otherwise."""
    body, _, mac = state.partition(".")
    if not hmac.compare_digest(_mac(body, key).encode(), mac.encode("utf-8", "surrogateescape")):
        raise ConsentError("state_invalid", "the answer of the login dialog is not to a question of ours: start again")
    try:
        read = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        raise ConsentError("state_invalid", "the answer of the login dialog can't be read: start again") from None
    if now - dt.datetime.fromtimestamp(read["at"], dt.UTC) > LIFE:
        raise ConsentError("state_expired", "the login dialog was open for more than 10 minutes: start again")
    return str(read["nonce"])


def issue(engine: sa.Engine, *, key: str, now: dt.datetime) -> str:
    """A fresh state, remembered so that it can be used once."""
    nonce = secrets.token_urlsafe(24)
    with engine.begin() as connection:
        connection.execute(oauth_states.insert().values(nonce=nonce, issued_at=now, used_at=None))
    return sign_state(nonce, key=key, at=now)


def use(engine: sa.Engine, state: str, *, key: str, now: dt.datetime) -> None:
    """The state is spent; ConsentError when it is not ours, too old or spent before."""
    nonce = read_state(state, key=key, now=now)
    with engine.begin() as connection:
        spent = connection.execute(
            oauth_states.update()
            .where(oauth_states.c.nonce == nonce, oauth_states.c.used_at.is_(None))
            .values(used_at=now)
        ).rowcount
    if not spent:
        raise ConsentError("state_reused", "this answer of the login dialog was used before: start again")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(body: str, key: str) -> str:
    return _b64(hmac.new(key.encode(), body.encode("utf-8", "surrogateescape"), hashlib.sha256).digest())
