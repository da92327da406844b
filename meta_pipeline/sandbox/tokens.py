"""Access tokens and codes as the server knows them, what kills them, which scopes there are (graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.sandbox.answers import Refused
from meta_pipeline.sandbox.world import SYSTEM_USER_ID

DATA_ACCESS = dt.timedelta(days=90)
DEAD = {
    458: "Error validating access token: The user has not authorized application.",
    459: "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the "
    "instructions given.",
    460: "Error validating access token: The session has been invalidated because the user changed their password or "
    "Facebook has changed the session for security reasons.",
    463: "Error validating access token: Session has expired.",
    464: "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed "
    "user.",
    467: "Error validating access token: This is an invalid access token.",
    492: "Error validating access token: The user is no longer an admin of the Page.",
    493: "Error validating access token: Data access has expired.",
}
ALL_SCOPES = (
    "ads_read", "ads_management", "business_management", "pages_show_list", "pages_read_engagement", "read_insights",
    "instagram_basic", "instagram_manage_insights",
)
# Login for Business configurations: all of their permissions or nothing (graph-api.md §4.1).
CONFIGURATIONS = {
    "1100000000000001": ("USER", ALL_SCOPES),
    "1100000000000002": ("SYSTEM_USER", ALL_SCOPES),
}


@dataclass
class Token:
    """An access token as the server knows it."""

    value: str
    kind: str
    subject_id: str
    scopes: tuple[str, ...]
    issued_at: dt.datetime
    expires_at: dt.datetime | None
    page_id: str | None = None
    dead: int | None = None
    active_at: dt.datetime | None = None

    @property
    def data_access_until(self) -> dt.datetime | None:
        """90 days after the person was last active; a system user has no such end, nor has the app."""
        if self.kind not in ("USER", "PAGE") or self.subject_id == SYSTEM_USER_ID:
            return None
        return (self.active_at or self.issued_at) + DATA_ACCESS


@dataclass
class Code:
    """An authorization code: single use, about ten minutes."""

    redirect_uri: str
    scopes: tuple[str, ...]
    issued_at: dt.datetime
    asked: tuple[str, ...] = ()
    kind: str = "USER"
    is_used: bool = False


def need(token: Token, *scopes: str) -> None:
    """One of the scopes, or 200."""
    if not set(scopes) & set(token.scopes):
        raise Refused(
            f"(#200) Requires {' or '.join(scopes)} permission to manage the object", 200, status=403
        )
