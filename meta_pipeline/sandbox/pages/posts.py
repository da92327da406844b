"""The posts of Pages: published at a steady pace; some are edited and some deleted later, others by a control call.

Everything is a function of absolute time, so a post is the same at every `now` at which it exists.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.growth import publication_times
from meta_pipeline.sandbox.world.world import World

_FIRST_NUMBER, _STEP = 122_100_000_000_000, 1_000
_FIRST_SUBMITTED = 122_900_000_000_000
_KINDS = ("photo", "photo", "video", "video", "link", "status")
_SUBJECTS = (
    "New in the shop: the autumn jacket", "Behind the scenes at the café", "Five questions we hear every week",
    "Spring cleaning, 20 % off", "Thank you for 10 years 🎉", "Our opening hours on public holidays",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post of a Page, with its later changes; `kind` is photo, video, link or status. `submitted_at`: when an app
    published or scheduled it."""

    id: str
    page_id: str
    kind: str
    created_at: dt.datetime
    message: str
    edited_at: dt.datetime | None = None
    edited_message: str | None = None
    deleted_at: dt.datetime | None = None
    submitted_at: dt.datetime | None = None
    is_ai_generated: bool = False

    def exists(self, now: dt.datetime) -> bool:
        """Check whether the post is published and not deleted at a moment."""
        return self.created_at <= now and not self.is_deleted(now)

    def is_deleted(self, now: dt.datetime) -> bool:
        """Check whether the post is deleted at a moment."""
        return self.deleted_at is not None and self.deleted_at <= now

    def is_edited(self, now: dt.datetime) -> bool:
        """Check whether the post has its edited message at a moment."""
        return self.edited_at is not None and self.edited_at <= now

    def message_at(self, now: dt.datetime) -> str:
        """Return the message at a moment."""
        return self.edited_message or "" if self.is_edited(now) else self.message

    def updated_at(self, now: dt.datetime) -> dt.datetime:
        """Return when the post last changed before a moment."""
        return self.edited_at if self.edited_at is not None and self.is_edited(now) else self.created_at

    def permalink(self) -> str:
        """Return the post's address."""
        return f"https://www.facebook.com/{self.page_id}/posts/{self.id.partition('_')[2]}"


class PagePosts:
    """The posts of every Page, and the changes that control calls made."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._changes: dict[str, dict[str, Any]] = {}
        self._submitted: dict[str, Post] = {}

    def add(self, post: Post) -> None:
        """Add a post that an app publishes or schedules."""
        self._submitted[post.id] = post

    def new_number(self, number: int) -> int:
        """Return the number in the id of the n-th post that apps submitted: no other post has it."""
        return _FIRST_SUBMITTED + number

    def scheduled(self, page_id: str, now: dt.datetime) -> list[Post]:
        """Return the scheduled posts of a Page that are not published yet."""
        return [post for post in self._submitted_posts(page_id) if post.created_at > now]

    def find_scheduled(self, post_id: str, now: dt.datetime) -> Post | None:
        """Return the post with this id if it is scheduled and not published yet."""
        page_id = post_id.partition("_")[0]
        return next((post for post in self.scheduled(page_id, now) if post.id == post_id), None)

    def declare(self, post_id: str) -> None:
        """Mark a post as AI-generated."""
        self._changes.setdefault(post_id, {})["is_ai_generated"] = True

    def remove(self, post: Post, now: dt.datetime) -> None:
        """Delete a published or a scheduled post."""
        if post.created_at > now:
            self._submitted.pop(post.id, None)
        else:
            self._changes.setdefault(post.id, {})["deleted_at"] = now

    def _submitted_posts(self, page_id: str) -> list[Post]:
        return [
            dataclasses.replace(post, **self._changes.get(post.id, {}))
            for post in self._submitted.values() if post.page_id == page_id
        ]

    def published(self, page_id: str, now: dt.datetime) -> list[Post]:
        """Return a Page's posts at a moment, deleted ones included, newest first."""
        times = publication_times(
            self.world, page_id, "post", per_two_years=self.world.options.posts_per_page, now=now
        )
        posts = [self._post(page_id, number, created_at) for number, created_at in enumerate(times)][::-1]
        submitted = [post for post in self._submitted_posts(page_id) if post.created_at <= now]
        return sorted([*submitted, *posts], key=lambda post: post.created_at, reverse=True) if submitted else posts

    def find(self, post_id: str, now: dt.datetime) -> Post | None:
        """Return the post with this id, if it exists at a moment."""
        page_id = post_id.partition("_")[0]
        posts = self.published(page_id, now) if page_id in self.world.pages else []
        return next((post for post in posts if post.id == post_id and post.exists(now)), None)

    def change(self, body: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
        """Edit a post (`id`, `message`) or delete it (`id`, `delete: true`) `at` an instant or now; return the changes.

        Raise KeyError without an id, ValueError for a post that does not exist.
        """
        post_id = str(body["id"])
        at = dt.datetime.fromisoformat(str(body["at"])) if "at" in body else now
        if self.find(post_id, min(at, now)) is None:
            raise ValueError(f"no post {post_id}")
        changes = self._changes.setdefault(post_id, {})
        if body.get("delete"):
            changes["deleted_at"] = at
        else:
            changes |= {"edited_at": at, "edited_message": str(body["message"])}
        return {name: str(value) for name, value in changes.items()}

    def _post(self, page_id: str, number: int, created_at: dt.datetime) -> Post:
        draw = self.world.roll(page_id, "post", number)
        post_id = f"{page_id}_{_FIRST_NUMBER + number * _STEP + draw % _STEP}"
        message = f"{_SUBJECTS[(draw >> 12) % len(_SUBJECTS)]} · {number + 1}"
        post = Post(
            id=post_id, page_id=page_id, kind=_KINDS[(draw >> 20) % len(_KINDS)], created_at=created_at,
            message=message,
            edited_at=created_at + dt.timedelta(hours=1 + (draw >> 24) % 72) if (draw >> 32) % 8 == 0 else None,
            edited_message=f"{message} (edited)",
            deleted_at=created_at + dt.timedelta(days=2 + (draw >> 36) % 40) if (draw >> 44) % 12 == 0 else None,
        )
        return dataclasses.replace(post, **self._changes.get(post_id, {}))
