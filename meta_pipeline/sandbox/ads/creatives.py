"""Ad creatives: what an ad shows, one for each ad (docs/graph-api.md §9).

An incomplete creative, as seen by other clients (airbytehq/airbyte#65944, #66027): the post or reel behind it is gone.
Reading it, or a page of a listing that contains it, fails with 100/2446289 as soon as a field of its story is
requested.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.ads.pictures import picture_url
from meta_pipeline.sandbox.ads.promoted_pages import promoted_page
from meta_pipeline.sandbox.protocol.errors import REDUCE, GraphApiError
from meta_pipeline.sandbox.protocol.field_selection import select_fields, top_level_names
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.entities import Entity
from meta_pipeline.sandbox.world.world import World

STORY_FIELDS = frozenset((
    "title", "body", "thumbnail_url", "image_hash", "image_url", "video_id", "object_type", "object_story_id",
    "object_story_spec", "effective_object_story_id", "effective_instagram_media_id", "source_instagram_media_id",
    "instagram_permalink_url", "asset_feed_spec", "call_to_action_type", "link_url",
))
HEAVY_FIELDS = frozenset(("object_story_spec", "asset_feed_spec"))
# Fields that the SDK knows and for which no creative here has a value.
_UNUSED_FIELDS = (
    "actor_id", "adlabels", "applink_treatment", "asset_feed_spec", "authorization_category", "branded_content",
    "call_to_action", "categorization_criteria", "contextual_multi_ads", "degrees_of_freedom_spec",
    "destination_set_id", "image_crops", "link_deep_link_url", "link_og_id", "object_id", "object_store_url",
    "object_url",
    "platform_customizations", "playable_asset_id", "product_set_id", "source_instagram_media_id", "template_url",
    "template_url_spec", "thumbnail_id", "use_page_actor_override", "effective_authorization_category",
)
# A creative without any values.
EMPTY_CREATIVE: dict[str, Any] = dict.fromkeys((*STORY_FIELDS, *_UNUSED_FIELDS))
_AD_PREFIX, _CREATIVE_PREFIX = "12023", "12024"
_SHOP_URL = "https://www.example.com/shop"


def creative_id(ad: Entity) -> str:
    """Return the id of an ad's creative."""
    return ad.id.replace(_AD_PREFIX, _CREATIVE_PREFIX, 1)


def ad_of_creative(node_id: str, world: World) -> Entity | None:
    """Return the ad whose creative has this id."""
    if not node_id.startswith(_CREATIVE_PREFIX):
        return None
    return world.ads.get(node_id.replace(_CREATIVE_PREFIX, _AD_PREFIX, 1))


def is_incomplete(ad: Entity, world: World) -> bool:
    """Check whether the ad is among the first `incomplete_creatives` of its account's listing."""
    if not (count := world.options.incomplete_creatives):
        return False
    listed = (other for other in world.ads_of(ad.account.id) if other.effective_status not in ("DELETED", "ARCHIVED"))
    return any(ad is other for other in itertools.islice(listed, count))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """The parts of a creative that its node and its `object_story_spec` share."""

    draw: int
    title: str
    body: str
    action_type: str

    @property
    def call_to_action(self) -> dict[str, Any]:
        return {"type": self.action_type, "value": {"link": _SHOP_URL}}


def creative_node(ad: Entity, world: World, now: dt.datetime, base_url: str) -> dict[str, Any]:
    """Return the fields of an ad's creative."""
    node = dict(EMPTY_CREATIVE)
    node |= {
        "_type": "AdCreative", "_shown": ("id",), "id": creative_id(ad), "account_id": ad.account.id,
        "name": f"{ad.name} · creative", "status": "ACTIVE", "url_tags": "utm_source=facebook&utm_medium=paid",
        "instagram_user_id": None,
    }
    if is_incomplete(ad, world):
        return node | {"status": "WITH_ISSUES"}
    page = promoted_page(ad.account)
    draw = world.roll(ad.id, "creative")
    story = _Story(
        draw=draw, title=f"{ad.parents[0].name} is here", body=f"See the new “{ad.name}” – free returns.",
        action_type=("SHOP_NOW", "LEARN_MORE", "SIGN_UP")[draw % 3],
    )
    node |= {
        "title": story.title, "body": story.body, "object_story_id": None,
        "effective_object_story_id": f"{page.id}_{100_000_000_000_000 + draw % 10**14}",
        "instagram_user_id": page.instagram_id, "call_to_action_type": story.action_type, "link_url": None,
        "effective_instagram_media_id": f"18{draw % 10**15:015d}",
        "instagram_permalink_url": f"https://www.instagram.com/p/{draw % 16**10:010x}/",
        "thumbnail_url": picture_url(node["id"], size=64, world=world, now=now, base_url=base_url),
    }
    if world.is_video(ad):
        video = _video_data(story)
        media = {"object_type": "VIDEO", "video_id": video["video_id"]}
        data = {"video_data": video}
    else:
        link = _link_data(story, is_carousel=ad.name.startswith("Carousel"))
        url = picture_url(node["id"], size=1080, world=world, now=now, base_url=base_url)
        media = {"object_type": "SHARE", "image_hash": link["image_hash"], "image_url": url}
        data = {"link_data": link}
    spec = {"page_id": page.id, "instagram_user_id": page.instagram_id, **data}
    return node | media | {"object_story_spec": spec}


def _video_data(story: _Story) -> dict[str, Any]:
    return {
        "video_id": str(400_000_000_000_000 + story.draw % 10**14), "title": story.title, "message": story.body,
        "call_to_action": story.call_to_action, "image_hash": f"{story.draw:032x}",
    }


def _link_data(story: _Story, *, is_carousel: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "link": _SHOP_URL, "message": story.body, "name": story.title, "call_to_action": story.call_to_action,
        "image_hash": f"{story.draw:032x}",
    }
    if is_carousel:
        data["child_attachments"] = [
            {"link": f"{_SHOP_URL}/{n}", "image_hash": f"{story.draw + n:032x}"} for n in (1, 2, 3)
        ]
    return data


def read_creative(call: NodeCall, ad: Entity, world: World) -> dict[str, Any]:
    """Return the requested fields of an ad's creative; raise for an incomplete one."""
    refuse_incomplete(ad, world, top_level_names(call.fields))
    return select_fields(creative_node(ad, world, call.now, call.request.base_url), call.fields, ("id",))


def refuse_incomplete(ad: Entity, world: World, names: set[str]) -> None:
    """Raise error 100/2446289 when the story of an incomplete creative is requested."""
    if world.options.incomplete_mode == "fail" and names & STORY_FIELDS and is_incomplete(ad, world):
        raise GraphApiError(
            "Invalid parameter", 100, subcode=2446289, is_transient=False, user_title="Ad Creative Is Incomplete",
            user_msg="The reel you selected for your ad is not available. It could be deleted or you might not have "
            "permissions to see it. Please check your ad creative and try again.",
        )


def list_creatives(
    call: NodeCall, ads: list[Entity], world: World, *, max_heavy: int, created: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a page of the ads' creatives and of those that were `created` through the API; raise when it has more than
    `max_heavy` (0: any number) with their story spec (docs/graph-api.md §9)."""
    items: list[Entity | dict[str, Any]] = [*ads, *created]

    def render(item: Entity | dict[str, Any]) -> dict[str, Any]:
        return select_fields(item, call.fields, ("id",)) if isinstance(item, dict) else read_creative(call, item, world)

    page = paginate(call.request, items, render)
    if max_heavy and top_level_names(call.fields) & HEAVY_FIELDS and len(page["data"]) > max_heavy:
        raise GraphApiError(REDUCE, 1, status=500)
    return page
