"""The states of an invitation, and which may follow which, as data."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from meta_pipeline.records import ConfigError

State = Literal[
    "created", "opened", "signed_in", "waiting_for_meta", "partly_granted", "verified", "lapsed", "declined", "revoked"
]
# The customer may change a decline while the link is valid. We revoke, and that is final.
FOLLOWERS: dict[State, frozenset[State]] = {
    "created": frozenset({"opened", "signed_in", "waiting_for_meta", "declined", "lapsed", "revoked"}),
    "opened": frozenset({"signed_in", "waiting_for_meta", "declined", "lapsed", "revoked"}),
    "declined": frozenset({"created", "signed_in", "waiting_for_meta", "revoked"}),
    "signed_in": frozenset({"opened", "waiting_for_meta", "partly_granted", "verified", "revoked"}),
    "waiting_for_meta": frozenset(
        {"opened", "signed_in", "partly_granted", "verified", "declined", "lapsed", "revoked"}
    ),
    "partly_granted": frozenset({"signed_in", "waiting_for_meta", "verified", "revoked"}),
    "verified": frozenset({"signed_in", "partly_granted", "revoked"}),
    "lapsed": frozenset({"created", "revoked"}),
    "revoked": frozenset(),
}
# The customer has not answered yet: reminders are sent, and these lapse.
UNANSWERED: frozenset[State] = frozenset({"created", "opened"})
# The customer has answered, and the requested access is not complete yet.
PENDING: frozenset[State] = frozenset({"signed_in", "waiting_for_meta", "partly_granted"})
ANSWERED: frozenset[State] = frozenset({"partly_granted", "verified"})

WORDS: dict[State, str] = {
    "created": "created", "opened": "opened", "signed_in": "signed in", "waiting_for_meta": "waiting for Meta",
    "partly_granted": "partly granted", "verified": "verified", "lapsed": "lapsed", "declined": "declined",
    "revoked": "revoked",
}
SHORTEST, LONGEST = dt.timedelta(hours=1), dt.timedelta(days=90)
_LIFE = re.compile(r"([0-9]{1,4})\s*([hd])")


def parse_life(text: str) -> dt.timedelta:
    """Return a duration such as `7d` or `48h`; ConfigError unless it is between an hour and 90 days."""
    match = _LIFE.fullmatch(text.strip().lower())
    if match is not None:
        count = int(match[1])
        life = dt.timedelta(days=count) if match[2] == "d" else dt.timedelta(hours=count)
        if SHORTEST <= life <= LONGEST:
            return life
    raise ConfigError(f"an invitation lasts from 1h to 90d, not {text[:40]!r}: write for example 7d")
