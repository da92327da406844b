"""The limits of publishing, which control calls change, and the checks of who may publish (docs/graph-api.md §12)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, fields
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page

TASK = "CREATE_CONTENT"
DAY = dt.timedelta(hours=24)
CAPTION_LETTERS, HASHTAGS = 2_200, 30
CHILDREN = range(2, 11)
_SECONDS_OF_REEL = (3, 90)


@dataclass(kw_only=True)
class PublishingOptions:
    """The options that a control call may change. `failing`: parts of a caption or an address whose processing fails;
    `unfetchable`: parts of an address that can't be fetched."""

    instagram_quota: int = 100
    reels_per_day: int = 30
    processing_s: int = 20
    container_hours: float = 24
    earliest_schedule_s: int = 600
    latest_schedule_days: int = 30
    failing: list[str] = field(default_factory=list)
    unfetchable: list[str] = field(default_factory=list)

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set these options and return all of them; raise KeyError for one that does not exist."""
        names = {each.name for each in fields(self)}
        for name, value in changes.items():
            if name not in names:
                raise KeyError(name)
            setattr(self, name, value)
        return {name: getattr(self, name) for name in names}

    def fails(self, *texts: str) -> bool:
        """Check whether the processing of something with one of these texts fails."""
        return any(part in text for part in self.failing for text in texts)

    def check_fetchable(self, address: str) -> None:
        """Raise error 9004/2207052 for an address from which nothing can be fetched."""
        if not address.startswith(("http://", "https://")) or any(part in address for part in self.unfetchable):
            raise GraphApiError(
                "Only photo or video can be accepted as media type.", 9004, subcode=2207052, is_transient=False,
                user_title="Media download has failed. The media URI doesn't meet our requirements.",
                user_msg="The media could not be fetched from this URI.",
            )

    def scheduled_time(self, call: NodeCall) -> dt.datetime | None:
        """Return `scheduled_publish_time` as an instant; raise error 100 for one outside the window."""
        text = call.request.params.get("scheduled_publish_time")
        if not text:
            return None
        try:
            at = dt.datetime.fromtimestamp(int(text), dt.UTC) if text.isdigit() else dt.datetime.fromisoformat(text)
        except ValueError:
            raise GraphApiError("(#100) Param scheduled_publish_time must be a valid time", 100) from None
        at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
        earliest = call.now + dt.timedelta(seconds=self.earliest_schedule_s)
        if not earliest <= at <= call.now + dt.timedelta(days=self.latest_schedule_days):
            raise GraphApiError(
                "(#100) The specified scheduled publish time is invalid.", 100, subcode=1366045,
            )
        return at


def check_page_write(call: NodeCall, page_id: str, access: NodeAccess) -> None:
    """Raise unless the request has the Page's own token, with the permission and the task to publish."""
    if call.token.page_id != page_id:
        raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
    require_scope(call.token, "pages_manage_posts")
    require_scope(call.token, "pages_read_engagement")
    check_task(call, page_id, access)


def check_instagram_write(call: NodeCall, page: Page, access: NodeAccess, *, scope: str) -> None:
    """Raise unless the token may publish on the Page's Instagram account."""
    if call.token.page_id not in (None, page.id) or not access.is_reachable(page.id, call.token.subject_id):
        raise unknown_object(call.node_id)
    if not {"instagram_basic", "pages_read_engagement", scope} <= set(call.token.scopes):
        raise GraphApiError("(#10) Application does not have permission for this action", 10, status=403)
    check_task(call, page.id, access)


def check_task(call: NodeCall, page_id: str, access: NodeAccess) -> None:
    """Raise error 200 unless the person may create content on the Page."""
    tasks = access.tasks_of(call.token.subject_id, page_id)
    if tasks is not None and TASK not in tasks:
        raise GraphApiError(f"(#200) The user must be granted the {TASK} task on the Page", 200, status=403)


def check_caption(caption: str) -> None:
    """Raise error 100 for a caption that Instagram does not accept."""
    if len(caption) > CAPTION_LETTERS:
        raise GraphApiError("(#100) The caption was too long.", 100, subcode=2207010)
    if caption.count("#") > HASHTAGS:
        raise GraphApiError("(#100) The caption has too many hashtags.", 100, subcode=2207010)


def flag(call: NodeCall, name: str, *, default: bool = False) -> bool:
    """Return a parameter that is true or false."""
    return call.request.params.get(name, str(default)).lower() in ("true", "1")


def missing(name: str) -> GraphApiError:
    """Return error 100 for a parameter that is required."""
    return GraphApiError(f"(#100) The parameter {name} is required", 100)
