"""Check a spec before a plan is made: each problem is a sentence, and all are reported together. Of files only the
size is read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from meta_pipeline.files.video import VideoFacts
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import MediaItem, PostSpec
from meta_pipeline.records import NodeLink

_MAY_CREATE = frozenset(("CREATE_CONTENT", "MANAGE"))
_HASHTAG = re.compile(r"(?<![^\s#])#\w")
# The number and the types of media that each kind needs, by the kind of node.
_MEDIA_OF = {
    PAGE.name: {
        "post": (0, 0, ""), "photo": (1, 1, "image"), "video": (1, 1, "video"), "reel": (1, 1, "video"),
        "story": (1, 1, ""), "carousel": (None, None, "image"),
    },
    INSTAGRAM_ACCOUNT.name: {
        "photo": (1, 1, "image"), "reel": (1, 1, "video"), "story": (1, 1, ""), "carousel": (None, None, ""),
    },
}
PUBLISHES = {PAGE.name: WriteKind.PAGE_PUBLISHING, INSTAGRAM_ACCOUNT.name: WriteKind.INSTAGRAM_PUBLISHING}
_INSTEAD = {
    "post": "Instagram has no posts without media: kind = \"photo\"",
    "video": "Instagram publishes every single video as a Reel: kind = \"reel\"",
}


def problems(
    spec: PostSpec, link: NodeLink, *, rules: PostingRules, scopes: Collection[str] | None, now: dt.datetime,
    videos: Mapping[Path, VideoFacts | str] = MappingProxyType({}),
) -> list[str]:
    """Return the problems that keep a spec from being published at a node, as far as they can be checked beforehand.
    `videos`: the format of each video file, or why it can't be read."""
    sentences = [*_of_access(link, scopes), *_of_media(spec, link, rules, videos), *_of_text(spec, link, rules)]
    return [*sentences, *_of_time(spec, link, rules, now)]


def _of_access(link: NodeLink, scopes: Collection[str] | None) -> Iterator[str]:
    need = PUBLISHES[link.kind].value
    if scopes is not None and (missing := [scope for scope in need.scopes if scope not in scopes]):
        yield f"the token lacks the permission {' and '.join(missing)}; {need.for_what} needs {need.needs}"
    if link.tasks and not _MAY_CREATE & set(link.tasks):
        yield f"nobody who connected has {need.task}: their tasks are {', '.join(link.tasks)[:200]}"


def _of_media(
    spec: PostSpec, link: NodeLink, rules: PostingRules, videos: Mapping[Path, VideoFacts | str]
) -> Iterator[str]:
    bounds = _MEDIA_OF[link.kind].get(spec.kind)
    if bounds is None:
        yield _INSTEAD[spec.kind]
        return
    least, most, media_type = bounds
    least = rules.carousel_least if least is None else least
    most = rules.carousel_most if most is None else most
    if not least <= len(spec.media) <= most:
        numbers = str(least) if least == most else f"{least} to {most}"
        items = "item" if numbers == "1" else "items"
        yield f"a {spec.kind} needs {numbers} media {items}, not {len(spec.media)}"
    if media_type and (others := [item for item in spec.media if item.type != media_type]):
        yield f"{_quoted(others[0])} is not of type {media_type}, which a {spec.kind} needs here"
    for item in spec.media:
        yield from _of_file(item, spec, link, rules)
        if item.path is not None and (facts := videos.get(item.path)) is not None:
            yield from (f"{_quoted(item)}: {sentence}" for sentence in _of_video(facts, spec, link, rules))


def _of_file(item: MediaItem, spec: PostSpec, link: NodeLink, rules: PostingRules) -> Iterator[str]:
    if item.path is None:
        return
    is_instagram = link.kind == INSTAGRAM_ACCOUNT.name
    if is_instagram and item.type == "image":
        yield f"{_quoted(item)} is a file, and Instagram accepts images only from an https address"
        return
    try:
        size = item.path.stat().st_size if item.path.is_file() else None
    except (OSError, ValueError):
        size = None
    if size is None:
        yield f"{_quoted(item)} is not a file beside the spec"
        return
    most = rules.page_photo_bytes
    if item.type == "video":
        most = rules.page_video_file_bytes if spec.kind == "video" else rules.page_video_bytes
        most = rules.instagram_video_bytes if is_instagram else most
    if not 0 < size <= most:
        yield f"{_quoted(item)} has {size} bytes, and at most {most} are accepted"


def _of_video(facts: VideoFacts | str, spec: PostSpec, link: NodeLink, rules: PostingRules) -> Iterator[str]:
    if isinstance(facts, str):
        yield facts
        return
    is_page = link.kind == PAGE.name
    if facts.video_codec not in rules.video_codecs.split():
        yield f"the codec {facts.video_codec!r} is not one of {rules.video_codecs}"
    if spec.kind == "video":
        return
    longest = rules.page_reel_longest_s if is_page else rules.instagram_reel_longest_s
    longest = rules.story_longest_s if spec.kind == "story" else longest
    if not rules.reel_shortest_s <= facts.duration_s <= longest:
        bounds = f"{rules.reel_shortest_s:g} to {longest:g} s"
        yield f"it is {facts.duration_s:.1f} s long, and a {spec.kind} must have {bounds}"
    if is_page and not rules.page_reel_narrowest <= facts.ratio <= rules.page_reel_widest:
        yield f"it is {facts.width} × {facts.height}, and a {spec.kind} of a Page must be 9 by 16"
    if is_page and facts.width < rules.page_reel_least_width:
        yield f"it is {facts.width} pixels wide, and at least {rules.page_reel_least_width} are needed"


def _of_text(spec: PostSpec, link: NodeLink, rules: PostingRules) -> Iterator[str]:
    text = spec.text or ""
    if link.kind == PAGE.name:
        if len(text) > rules.page_text_letters:
            yield f"text has {len(text)} characters, and a Page accepts {rules.page_text_letters}"
        if spec.kind == "post" and not (text or spec.link):
            yield "a post needs text or link"
        if spec.link and spec.kind != "post":
            yield "link belongs to kind = \"post\" only: put the address into text"
    else:
        if spec.link:
            yield "Instagram has no links: put the address into text"
        if len(text) > rules.instagram_caption_letters:
            yield f"text has {len(text)} characters, and Instagram accepts {rules.instagram_caption_letters}"
        if (tags := len(_HASHTAG.findall(text))) > rules.instagram_hashtags:
            yield f"text has {tags} hashtags, and Instagram accepts {rules.instagram_hashtags}"
    if spec.kind == "story" and text:
        yield "a story has no text: write it on the image or the video"


def _of_time(spec: PostSpec, link: NodeLink, rules: PostingRules, now: dt.datetime) -> Iterator[str]:
    if spec.publish_at is None:
        return
    if spec.kind == "story" and link.kind == PAGE.name:
        yield "a story of a Page can't be scheduled: leave publish_at out"
        return
    latest = now + dt.timedelta(days=rules.schedule_latest_days)
    earliest = now + dt.timedelta(seconds=rules.schedule_earliest_s)
    if not earliest <= spec.publish_at <= latest:
        yield (
            f"publish_at must be between {rules.schedule_earliest_s // 60} minutes and {rules.schedule_latest_days} "
            f"days from now, not {spec.publish_at.isoformat()}"
        )


def _quoted(item: MediaItem) -> str:
    return repr(item.name[:100])
