"""Invitations: a signed link lets somebody without a sign-in here connect their own account, and nothing else."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

LIFE = dt.timedelta(days=30)


def issue(*, key: str, now: dt.datetime) -> str:
    """An invitation that holds for 30 days."""
    until = int((now + LIFE).timestamp())
    return f"{until}.{_mac(str(until), key)}"


def is_valid(text: str, *, key: str, now: dt.datetime) -> bool:
    """Whether an invitation is ours and holds."""
    until, _, mac = text.partition(".")
    if not hmac.compare_digest(_mac(until, key).encode(), mac.encode("utf-8", "surrogatepass")):
        return False
    return now.timestamp() < int(until)


def _mac(text: str, key: str) -> str:
    found = hmac.new(f"invitation {key}".encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()
