"""The spec of a post: a TOML file that says what is published where and when. Everything in it is checked and bounded.

```toml
node = "3000000000001"                  # a Page or an Instagram account
kind = "photo"                          # post, photo, video, reel, story or carousel
text = "New in the shop"                # the message, caption or description
link = "https://example.com"            # of a post on a Page
media = ["https://cdn.example/a.jpg"]   # addresses, or files beside the spec
publish_at = 2026-12-01T09:00:00+01:00  # without it: at once
made_by_ai = true
share_to_feed = true                    # a Reel on Instagram
```
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from meta_pipeline.records import ConfigError

Kind = Literal["post", "photo", "video", "reel", "story", "carousel"]
MediaType = Literal["image", "video"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LARGEST_SPEC_BYTES = 256 * 1024
MOST_MEDIA, LONGEST_ADDRESS, LONGEST_TEXT = 50, 2_000, 100_000
_IMAGES, _VIDEOS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"), (".mp4", ".mov", ".m4v")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAMES = ("node", "kind", "text", "link", "media", "publish_at", "made_by_ai", "share_to_feed")


class SpecError(ConfigError):
    """A spec that can't be published; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem:
    """One image or video: its address (`url`), or a file on this machine (`path`)."""

    type: MediaType
    url: str | None = None
    path: Path | None = None

    @property
    def name(self) -> str:
        """Return its name for messages."""
        return self.path.name if self.path is not None else str(self.url)[:100]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSpec:
    """A post: what is published where and when."""

    node_id: str
    kind: Kind
    text: str | None = None
    link: str | None = None
    media: tuple[MediaItem, ...] = ()
    publish_at: dt.datetime | None = None
    is_made_by_ai: bool = False
    is_shared_to_feed: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for the digest of the plan."""
        return {
            "node": self.node_id, "kind": self.kind, "text": self.text, "link": self.link,
            "media": [[item.type, item.url or str(item.path)] for item in self.media],
            "publish_at": self.publish_at.isoformat() if self.publish_at else None, "made_by_ai": self.is_made_by_ai,
            "share_to_feed": self.is_shared_to_feed,
        }


def read_spec(path: Path) -> PostSpec:
    """Return the spec in a file; raise SpecError, which says what is wrong."""
    try:
        if path.stat().st_size > LARGEST_SPEC_BYTES:
            raise SpecError(f"{path.name[:100]} is larger than {LARGEST_SPEC_BYTES} bytes")
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise SpecError(f"there is no file {str(path)[:200]!r}: name the TOML file that describes the post") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"the spec {path.name[:100]!r} is not UTF-8 text: save it as UTF-8") from error
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise SpecError(f"the spec {path.name[:100]!r} can't be read: {cause}") from error
    return parse_spec(text, folder=path.parent)


def parse_spec(text: str, *, folder: Path) -> PostSpec:
    """Return the spec in a text, whose files are in `folder`."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise SpecError(f"the spec is not valid TOML: {str(error)[:200]}") from error
    if unknown := sorted(set(data) - set(_NAMES)):
        raise SpecError(f"the spec has {', '.join(map(repr, unknown))[:200]}: only {', '.join(_NAMES)} are allowed")
    kind = data.get("kind")
    if kind not in KINDS:
        raise SpecError(f"kind must be one of {', '.join(KINDS)}")
    media = data.get("media", [])
    if not isinstance(media, list) or len(media) > MOST_MEDIA:
        raise SpecError(f"media must be a list of at most {MOST_MEDIA} addresses and files")
    return PostSpec(
        node_id=_node(data), kind=kind, text=_text(data), link=_link(data),
        media=tuple(_item(item, folder) for item in media), publish_at=_time(data),
        is_made_by_ai=_flag(data, "made_by_ai", default=False),
        is_shared_to_feed=_flag(data, "share_to_feed", default=True),
    )


def _node(data: Mapping[str, Any]) -> str:
    node = data.get("node")
    node = str(node) if isinstance(node, int) and not isinstance(node, bool) else node
    if not isinstance(node, str) or not re.fullmatch(r"[0-9]{1,30}", node, re.ASCII):
        raise SpecError("node must be the id of a Page or of an Instagram account: see `meta-pipeline links`")
    return node


def _text(data: Mapping[str, Any]) -> str | None:
    text = data.get("text")
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise SpecError(f"text must be a text of at most {LONGEST_TEXT} characters")
    text = text.replace("\r\n", "\n").strip()
    if control := _UNPRINTABLE.search(text):
        raise SpecError(f"text has a control character at position {control.start() + 1}")
    return text or None


def _link(data: Mapping[str, Any]) -> str | None:
    link = data.get("link")
    if link is None:
        return None
    if not isinstance(link, str) or not is_address(link, schemes=("https", "http")):
        raise SpecError("link must be an address such as https://example.com/page")
    return link


def _time(data: Mapping[str, Any]) -> dt.datetime | None:
    at = data.get("publish_at")
    if at is None:
        return None
    if not isinstance(at, dt.datetime) or at.tzinfo is None:
        raise SpecError("publish_at must be a time with its zone, such as 2026-12-01T09:00:00+01:00")
    try:
        return at.astimezone(dt.UTC).replace(microsecond=0)
    except (OverflowError, ValueError):
        raise SpecError("publish_at is not a time that is supported") from None


def _flag(data: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = data.get(name, default)
    if not isinstance(value, bool):
        raise SpecError(f"{name} must be true or false")
    return value


def _item(item: Any, folder: Path) -> MediaItem:
    if not isinstance(item, str) or not 0 < len(item) <= LONGEST_ADDRESS or _UNPRINTABLE.search(item):
        raise SpecError(f"each of media must be an address or a file name of at most {LONGEST_ADDRESS} characters")
    if "://" in item:
        if not is_address(item, schemes=("https",)):
            raise SpecError("an address of media must be https and have no user name: Meta fetches it")
        return MediaItem(type=_type_of(urlsplit(item).path), url=item)
    return MediaItem(type=_type_of(item), path=folder / item)


def _type_of(path: str) -> MediaType:
    ending = PurePosixPath(path).suffix.lower()
    if ending in _IMAGES:
        return "image"
    if ending in _VIDEOS:
        return "video"
    raise SpecError(
        f"each of media must end with one of {', '.join((*_IMAGES, *_VIDEOS))}: the ending tells whether it is an "
        "image or a video"
    )


def is_address(text: str, *, schemes: tuple[str, ...]) -> bool:
    """Return whether a text is an absolute address that Meta can fetch."""
    try:
        split = urlsplit(text)
        has_host = bool(split.hostname) and split.username is None and (split.port is None or split.port > 0)
    except ValueError:
        return False
    is_plain = text.isascii() and len(text) <= LONGEST_ADDRESS and not re.search(r"[\s<>\"\\^`{|}]", text)
    return has_host and is_plain and split.scheme in schemes
