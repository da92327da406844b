"""Ad creatives: what an ad shows, one for each ad; and the pictures of them, under links that expire (graph-api.md §9).

An incomplete creative, as peers met them (airbytehq/airbyte#65944, #66027): the post or reel behind it is gone. Reading
it, or a page of a listing that it stands on, is refused with 100/2446289 as soon as a field of its story is asked for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.answers import REDUCE, Answer, Ask, Refused, paged, projected, split_fields
from meta_pipeline.sandbox.nouns import PAGES, PARTNERS, Entity
from meta_pipeline.sandbox.world import World

CDN = "_sandbox_cdn"
STORY = frozenset((
    "title", "body", "thumbnail_url", "image_hash", "image_url", "video_id", "object_type", "object_story_id",
    "object_story_spec", "effective_object_story_id", "effective_instagram_media_id", "source_instagram_media_id",
    "instagram_permalink_url", "asset_feed_spec", "call_to_action_type", "link_url",
))
HEAVY = frozenset(("object_story_spec", "asset_feed_spec"))
# Fields that the SDK knows and that no creative here has a value for.
_UNUSED = (
    "actor_id", "adlabels", "applink_treatment", "asset_feed_spec", "authorization_category", "branded_content",
    "call_to_action", "categorization_criteria", "contextual_multi_ads", "degrees_of_freedom_spec",
    "destination_set_id", "image_crops", "link_deep_link_url", "link_og_id", "object_id", "object_store_url",
    "object_url",
    "platform_customizations", "playable_asset_id", "product_set_id", "source_instagram_media_id", "template_url",
    "template_url_spec", "thumbnail_id", "use_page_actor_override", "effective_authorization_category",
)
_HOUR_S = 3600


def creative_id(ad: Entity) -> str:
    """The id of an ad's creative."""
    return ad.id.replace("12023", "12024", 1)


def ad_of(node_id: str, world: World) -> Entity | None:
    """The ad whose creative has this id."""
    return world.ads.get(node_id.replace("12024", "12023", 1)) if node_id.startswith("12024") else None


def is_incomplete(ad: Entity, world: World) -> bool:
    """Those of an account's first ads are that a listing shows, so many as the world's options say."""
    if not (count := world.options.incomplete_creatives):
        return False
    listed = (one for one in world.ads_of(ad.account.id) if one.effective_status not in ("DELETED", "ARCHIVED"))
    return any(ad is one for one in itertools.islice(listed, count))


def creative(ad: Entity, world: World, now: dt.datetime, base_url: str) -> dict[str, Any]:
    """The creative node."""
    node: dict[str, Any] = {name: None for name in (*STORY, *_UNUSED)}
    node |= {
        "_type": "AdCreative", "_shown": ("id",), "id": creative_id(ad), "account_id": ad.account.id,
        "name": f"{ad.name} · creative", "status": "ACTIVE", "url_tags": "utm_source=facebook&utm_medium=paid",
        "instagram_user_id": None,
    }
    if is_incomplete(ad, world):
        return node | {"status": "WITH_ISSUES"}
    page = PAGES[1] if ad.account.business == PARTNERS[0] else PAGES[0]
    draw = world.roll(ad.id, "creative")
    post, link = str(100_000_000_000_000 + draw % 10**14), "https://www.example.com/shop"
    action = ("SHOP_NOW", "LEARN_MORE", "SIGN_UP")[draw % 3]
    title, body = f"{ad.parents[0].name} is here", f"See the new “{ad.name}” – free returns."
    node |= {
        "title": title, "body": body, "object_story_id": None, "effective_object_story_id": f"{page.id}_{post}",
        "instagram_user_id": page.instagram_id, "call_to_action_type": action, "link_url": None,
        "effective_instagram_media_id": f"18{draw % 10**15:015d}",
        "instagram_permalink_url": f"https://www.instagram.com/p/{draw % 16**10:010x}/",
        "thumbnail_url": picture_url(node["id"], 64, world, now, base_url),
    }
    call = {"type": action, "value": {"link": link}}
    if ad.name.startswith(("Reel", "Video")):
        video = {"video_id": str(400_000_000_000_000 + draw % 10**14), "title": title, "message": body,
                 "call_to_action": call, "image_hash": f"{draw:032x}"}
        kind, told, data = "VIDEO", {"video_id": video["video_id"]}, {"video_data": video}
    else:
        picture: dict[str, Any] = {"link": link, "message": body, "name": title, "call_to_action": call,
                                   "image_hash": f"{draw:032x}"}
        if ad.name.startswith("Carousel"):
            picture["child_attachments"] = [
                {"link": f"{link}/{n}", "image_hash": f"{draw + n:032x}"} for n in (1, 2, 3)
            ]
        kind, data = "SHARE", {"link_data": picture}
        told = {"image_hash": picture["image_hash"], "image_url": picture_url(node["id"], 1080, world, now, base_url)}
    spec = {"page_id": page.id, "instagram_user_id": page.instagram_id, **data}
    return node | told | {"object_type": kind, "object_story_spec": spec}


def shown(ad: Entity, ask: Ask, world: World, now: dt.datetime) -> dict[str, Any]:
    """The fields that were asked for, or why Graph gives none."""
    fields = ask.params.get("fields")
    names = {name.partition("{")[0] for name in split_fields(fields or "")}
    refuse_incomplete(ad, world, names)
    return projected(creative(ad, world, now, ask.base_url), fields, ("id",))


def refuse_incomplete(ad: Entity, world: World, names: set[str]) -> None:
    """Graph's answer when the story of an incomplete creative is asked for."""
    if world.options.incomplete_mode == "fail" and names & STORY and is_incomplete(ad, world):
        raise Refused(
            "Invalid parameter", 100, subcode=2446289, is_transient=False, user_title="Ad Creative Is Incomplete",
            user_msg="The reel you selected for your ad is not available. It could be deleted or you might not have "
            "permissions to see it. Please check your ad creative and try again.",
        )


def listing(ask: Ask, ads: list[Entity], world: World, now: dt.datetime, *, heavy_a_page: int) -> dict[str, Any]:
    """A page of creatives; too many heavy ones are too much (graph-api.md §9)."""
    page = paged(ask, ads, lambda ad: shown(ad, ask, world, now))
    names = {name.partition("{")[0] for name in split_fields(ask.params.get("fields", ""))}
    if heavy_a_page and names & HEAVY and len(page["data"]) > heavy_a_page:
        raise Refused(REDUCE, 1, status=500)
    return page


def picture_url(node_id: str, size: int, world: World, now: dt.datetime, base_url: str) -> str:
    """A link to the picture that works for some days; it is the same for an hour."""
    until = (int(now.timestamp()) // _HOUR_S + round(world.options.thumbnail_days * 24)) * _HOUR_S
    name = f"{node_id}_{size}.png"
    return f"{base_url}/{CDN}/{name}?oh={_signature(world, name, f'{until:x}')}&oe={until:x}"


def picture(name: str, query: Mapping[str, str], world: World, now: dt.datetime) -> Answer:
    """The picture behind a link, as long as it works."""
    expiry = query.get("oe", "")
    if query.get("oh") != _signature(world, name, expiry):
        return Answer({}, 403, {"content-type": "text/plain"}, raw=b"Bad URL hash")
    if now.timestamp() >= int(expiry, 16):
        return Answer({}, 403, {"content-type": "text/plain"}, raw=b"URL signature expired")
    return Answer({}, 200, {"content-type": "image/png", "cache-control": "max-age=1209600"}, raw=_png(name))


def _signature(world: World, name: str, expiry: str) -> str:
    return hashlib.blake2b(f"{world.seed}|{name}|{expiry}".encode(), digest_size=8).hexdigest()


def _png(name: str) -> bytes:
    """One pixel, in a colour of its own."""
    colour = hashlib.blake2b(name.encode(), digest_size=3).digest()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" + colour)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
