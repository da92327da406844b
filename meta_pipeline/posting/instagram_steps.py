"""The steps that publish on Instagram: a container for each image and video, then the media (docs/graph-api.md §12)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.step import Step, Wait, ref
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import MediaItem, PostSpec

# The functions that send a step of several calls: see `flows/posting/performers`.
CONTAINER_UPLOAD, PUBLICATION = "container_upload", "publication"


def instagram_steps(spec: PostSpec, *, rules: PostingRules) -> tuple[Step, ...]:
    """Return the steps of media of an Instagram account."""
    described = {
        **({"caption": spec.text} if spec.text else {}), **({"is_ai_generated": True} if spec.is_made_by_ai else {}),
    }
    if spec.kind != "carousel":
        item = spec.media[0]
        body = {**_media_type(spec, item), **described}
        if spec.kind == "reel":
            body["share_to_feed"] = spec.is_shared_to_feed
        return (_container(spec, "container", item, body, rules), _publication(spec, "container", "container", rules))
    items = [
        _container(spec, f"item{number}", item, {
            **({"media_type": "VIDEO"} if item.type == "video" else {}), "is_carousel_item": True,
        }, rules)
        for number, item in enumerate(spec.media, 1)
    ]
    album = _container(spec, "container", None, {
        "media_type": "CAROUSEL", "children": [ref(item.name) for item in items], **described,
    }, rules)
    return (*items, album, _publication(spec, "container", items[0].name, rules))


def _media_type(spec: PostSpec, item: MediaItem) -> dict[str, Any]:
    if spec.kind == "story":
        return {"media_type": "STORIES"}
    return {"media_type": "REELS"} if item.type == "video" else {}


def _container(spec: PostSpec, name: str, item: MediaItem | None, body: dict[str, Any], rules: PostingRules) -> Step:
    """Return the step that creates a container, which nobody sees. A duplicate is harmless: it expires."""
    source: dict[str, Any] = {}
    if item is not None:
        source = {f"{item.type}_url": item.url} if item.url else {"upload_type": "resumable"}
    thing = f"the container of {item.name}" if item is not None else "the container of the carousel"
    return Step(
        name=name, write=WriteKind.INSTAGRAM_PUBLISHING, path=f"{spec.node_id}/media", creates=thing,
        object_kind="instagram_container", reads=CallKind.INSTAGRAM, body={**source, **body},
        performer=CONTAINER_UPLOAD if item is not None and item.path else None,
        local={"path": str(item.path)} if item is not None and item.path else {},
        wait=Wait(
            status="status_code", done=("FINISHED",), failed=("ERROR",), renewed_on=("EXPIRED",), fields=("status",),
            every_s=rules.poll_every_s, longest_s=rules.processing_longest_s,
        ),
    )


def _publication(spec: PostSpec, container: str, first: str, rules: PostingRules) -> Step:
    """Return the step that publishes a container. If it has expired, the steps from `first` on are sent again."""
    return Step(
        name="media", write=WriteKind.INSTAGRAM_PUBLISHING, path=f"{spec.node_id}/media_publish",
        creates="the story" if spec.kind == "story" else "the media",
        object_kind="instagram_story" if spec.kind == "story" else "instagram_media", reads=CallKind.INSTAGRAM,
        body={"creation_id": ref(container)}, performer=PUBLICATION, undo=WriteKind.MEDIA_REMOVAL,
        local={"first": first, "edge": "stories" if spec.kind == "story" else "media", "caption": spec.text},
        costs=f"1 of {rules.instagram_quota} posts in 24 hours",
    )
