"""The access token of a request, with the properties that every path needs: its subject and its scopes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.sandbox.protocol.errors import GraphApiError


@dataclass(kw_only=True)
class AccessToken:
    """An access token as the server stores it.

    `kind` is USER, PAGE, SYSTEM_USER or APP; `invalid_subcode` is the 190 subcode of a token that was invalidated;
    `active_at` is when its person last used the app.
    """

    value: str
    kind: str
    subject_id: str
    scopes: tuple[str, ...]
    issued_at: dt.datetime
    expires_at: dt.datetime | None
    page_id: str | None = None
    invalid_subcode: int | None = None
    active_at: dt.datetime | None = None


def require_scope(token: AccessToken, *scopes: str) -> None:
    """Raise error 200 unless the token has one of the scopes."""
    if not set(scopes) & set(token.scopes):
        raise GraphApiError(
            f"(#200) Requires {' or '.join(scopes)} permission to manage the object", 200, status=403
        )
