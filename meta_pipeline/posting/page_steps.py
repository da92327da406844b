"""The steps that publish on a Page: photos first, then the post; a video is uploaded, finished and waited for
(docs/graph-api.md §12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.step import ReadBack, Step, Wait, ref
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import MediaItem, PostSpec

# The functions that send a step of several calls: see `flows/posting/performers`.
PHOTO_FILE, VIDEO_FILE, PAGE_UPLOAD, DISCLOSURE = "photo_file", "video_file", "page_upload", "disclosure"
_LISTED_SINCE = dt.timedelta(minutes=10)


def page_steps(spec: PostSpec, *, rules: PostingRules, now: dt.datetime) -> tuple[Step, ...]:
    """Return the steps of a post of a Page."""
    match spec.kind:
        case "video":
            return (_video(spec, rules, now),)
        case "reel":
            return (_uploaded(spec, "video_reels", rules),)
        case "story" if spec.media[0].type == "video":
            return (_uploaded(spec, "video_stories", rules),)
        case "story":
            return (_photo(spec, spec.media[0], "photo"), _photo_story(spec))
    photos = [_photo(spec, item, f"photo{number}") for number, item in enumerate(spec.media, 1)]
    return (*photos, _post(spec, photos, now), *_disclosure(spec, rules))


def _schedule(spec: PostSpec) -> dict[str, Any]:
    if spec.publish_at is None:
        return {}
    return {"published": False, "scheduled_publish_time": int(spec.publish_at.timestamp())}


def _photo(spec: PostSpec, item: MediaItem, name: str) -> Step:
    """Return the step that uploads a photo that no post shows yet: Meta deletes it after a day if none does."""
    return Step(
        name=name, write=WriteKind.PAGE_PUBLISHING, path=f"{spec.node_id}/photos", creates=f"the photo {item.name}",
        object_kind="page_photo", reads=CallKind.PAGE_POSTS, undo=WriteKind.POST_REMOVAL,
        body={"published": False, "temporary": True, **({"url": item.url} if item.url else {})},
        performer=PHOTO_FILE if item.path else None, local={"path": str(item.path)} if item.path else {},
    )


def _post(spec: PostSpec, photos: list[Step], now: dt.datetime) -> Step:
    body = {
        **({"message": spec.text} if spec.text else {}), **({"link": spec.link} if spec.link else {}),
        **({"attached_media": [{"media_fbid": ref(photo.name)} for photo in photos]} if photos else {}),
        **_schedule(spec),
    }
    if spec.publish_at and photos:
        body["unpublished_content_type"] = "SCHEDULED"
    edge = "scheduled_posts" if spec.publish_at else "posts"
    when = {"scheduled_publish_time": int(spec.publish_at.timestamp())} if spec.publish_at else {}
    since = {} if spec.publish_at else {"since": int((now - _LISTED_SINCE).timestamp())}
    return Step(
        name="post", write=WriteKind.PAGE_PUBLISHING, path=f"{spec.node_id}/feed", creates="the post",
        object_kind="page_post", reads=CallKind.PAGE_POSTS, undo=WriteKind.POST_REMOVAL, body=body,
        read_back=ReadBack(
            path=f"{spec.node_id}/{edge}", equals={"message": spec.text, **when}, fields=("id", "created_time"),
            params=since, has_tag=False, since="created_time",
        ),
    )


def _disclosure(spec: PostSpec, rules: PostingRules) -> Iterator[Step]:
    """Yield the step that declares a post as made by an AI: Graph accepts that only as an edit."""
    if spec.is_made_by_ai:
        yield Step(
            name="disclosure", write=WriteKind.POST_CHANGE, path="{post}", creates="the AI disclosure of the post",
            object_kind="page_post_disclosure", reads=CallKind.PAGE_POSTS, performer=DISCLOSURE,
            body={rules.disclosure_parameter: True}, local={"version": rules.disclosure_version},
        )


def _photo_story(spec: PostSpec) -> Step:
    return Step(
        name="story", write=WriteKind.PAGE_PUBLISHING, path=f"{spec.node_id}/photo_stories", creates="the story",
        object_kind="page_story", reads=CallKind.PAGE_POSTS, body={"photo_id": ref("photo")}, id_field="post_id",
        read_back=ReadBack(
            path=f"{spec.node_id}/stories", equals={"media_id": ref("photo")}, fields=("id", "post_id"), has_tag=True
        ),
    )


def _of_video(spec: PostSpec) -> dict[str, Any]:
    return {
        **({"description": spec.text} if spec.text else {}),
        **({"is_ai_generated": True} if spec.is_made_by_ai else {}),
    }


def _wait(rules: PostingRules) -> Wait:
    return Wait(
        status="status.video_status", done=("ready",), failed=("error", "expired"), outputs={"post_id": "post_id"},
        every_s=rules.poll_every_s, longest_s=rules.processing_longest_s,
    )


def _video(spec: PostSpec, rules: PostingRules, now: dt.datetime) -> Step:
    item = spec.media[0]
    return Step(
        name="video", write=WriteKind.PAGE_PUBLISHING, path=f"{spec.node_id}/videos", creates="the video",
        object_kind="page_video", reads=CallKind.PAGE_POSTS, undo=WriteKind.POST_REMOVAL, wait=_wait(rules),
        body={**({"file_url": item.url} if item.url else {}), **_of_video(spec), **_schedule(spec)},
        performer=VIDEO_FILE if item.path else None, local={"path": str(item.path)} if item.path else {},
        read_back=ReadBack(
            path=f"{spec.node_id}/videos", equals={"description": spec.text}, fields=("id", "created_time"),
            params={"since": int((now - _LISTED_SINCE).timestamp())}, has_tag=False, since="created_time",
        ),
    )


def _uploaded(spec: PostSpec, edge: str, rules: PostingRules) -> Step:
    """Return the step of a Reel or of a story with a video: start, upload, finish."""
    item, is_story = spec.media[0], edge == "video_stories"
    state = {"video_state": "SCHEDULED" if spec.publish_at else "PUBLISHED"} if not is_story else {}
    when = {"scheduled_publish_time": int(spec.publish_at.timestamp())} if spec.publish_at else {}
    return Step(
        name="story" if is_story else "reel", write=WriteKind.PAGE_PUBLISHING, path=f"{spec.node_id}/{edge}",
        creates="the story" if is_story else "the Reel", object_kind="page_story" if is_story else "page_reel",
        reads=CallKind.PAGE_POSTS, undo=None if is_story else WriteKind.POST_REMOVAL, wait=_wait(rules),
        body={**_of_video(spec), **state, **when}, performer=PAGE_UPLOAD,
        local={"path": str(item.path)} if item.path else {"url": item.url},
        costs="nothing" if is_story else f"1 of {rules.page_reels_per_day} Reels in 24 hours",
    )
