"""Invitations: a signed link lets somebody without a sign-in here connect their own account, and nothing else."""

from __future__ import annotations

import datetime as dt

from meta_pipeline.consent.signing import is_same, mac

LIFE = dt.timedelta(days=30)


def issue(*, key: str, now: dt.datetime) -> str:
    """An invitation that holds for 30 days."""
    until = str(int((now + LIFE).timestamp()))
    return f"{until}.{mac('invitation', until, key=key)}"


def is_valid(text: str, *, key: str, now: dt.datetime) -> bool:
    """Whether an invitation is ours and holds."""
    until, _, told = text.partition(".")
    return is_same(mac("invitation", until, key=key), told) and now.timestamp() < int(until)

