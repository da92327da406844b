"""Creatives that were created through the API: of a video, or of a post or Reel that exists (docs/graph-api.md §10)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.ads.creation.rules import ENROLLMENTS, invalid, json_object, required
from meta_pipeline.sandbox.ads.creation.videos import Videos
from meta_pipeline.sandbox.ads.creatives import EMPTY_CREATIVE
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Account, Page
from meta_pipeline.sandbox.world.world import World

_FIRST_ID = 120_260_000_000_000_000
_STORY = re.compile(r"(\d+)_(\d+)")


@dataclass
class Creative:
    """A creative: the fields that its creation set."""

    id: str
    account: Account
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    status: str = "ACTIVE"


@dataclass(kw_only=True)
class Creatives:
    """The creatives that were created through the API in one world."""

    world: World
    access: NodeAccess
    videos: Videos
    by_id: dict[str, Creative] = field(default_factory=dict)

    def of(self, account: Account) -> list[Creative]:
        """Return an account's creatives that are not deleted."""
        return [each for each in self.by_id.values() if each.account is account and each.status != "DELETED"]

    def exists(self, creative_id: str, account: Account) -> bool:
        """Return whether an account has a creative that can be shown."""
        creative = self.by_id.get(creative_id)
        return creative is not None and creative.account is account and creative.status == "ACTIVE"

    def check(self, call: NodeCall, account: Account) -> dict[str, Any]:
        """Return the fields of a new creative; raise the error for one that Meta rejects."""
        required(call, "name")
        spec = json_object(call, "object_story_spec")
        fields: dict[str, Any] = {
            name: call.request.params.get(name)
            for name in ("object_story_id", "source_instagram_media_id", "object_id", "instagram_user_id", "url_tags")
        }
        if freedom := json_object(call, "degrees_of_freedom_spec"):
            _check_features(freedom)
            fields["degrees_of_freedom_spec"] = freedom
        if action := json_object(call, "call_to_action"):
            fields["call_to_action"], fields["call_to_action_type"] = action, action.get("type")
        if spec:
            fields |= self._of_a_video(call, account, spec)
        elif fields["source_instagram_media_id"]:
            page = self._page(call, fields["object_id"] or "")
            self._check_identity(account, str(fields["instagram_user_id"] or ""))
            fields |= {"effective_instagram_media_id": fields["source_instagram_media_id"], "object_type": "VIDEO"}
            fields["actor_id"] = page.id
        elif fields["object_story_id"]:
            if not (match := _STORY.fullmatch(fields["object_story_id"])):
                raise invalid("object_story_id is <page id>_<post id>.", title="Invalid Post")
            self._page(call, match[1])
            fields |= {"effective_object_story_id": fields["object_story_id"], "object_type": "SHARE"}
            if fields["instagram_user_id"]:
                self._check_identity(account, str(fields["instagram_user_id"]))
        else:
            raise invalid("A creative needs object_story_spec, object_story_id or source_instagram_media_id.")
        return fields

    def create(self, call: NodeCall, account: Account, fields: dict[str, Any]) -> Creative:
        """Add a creative."""
        id = str(_FIRST_ID + len(self.by_id) + 1)
        self.by_id[id] = Creative(id, account, call.request.params["name"], fields)
        return self.by_id[id]

    def node(self, creative: Creative) -> dict[str, Any]:
        """Return the fields of a creative."""
        return {
            **EMPTY_CREATIVE, "_type": "AdCreative", "_shown": ("id",), "id": creative.id,
            "account_id": creative.account.id, "name": creative.name, "status": creative.status,
            "url_tags": None, "instagram_user_id": None, **creative.fields,
        }

    def _of_a_video(self, call: NodeCall, account: Account, spec: dict[str, Any]) -> dict[str, Any]:
        self._page(call, str(spec.get("page_id", "")))
        if "instagram_actor_id" in spec or "instagram_actor_id" in call.request.params:
            raise invalid("instagram_actor_id was replaced by instagram_user_id.", title="Deprecated Field")
        if spec.get("instagram_user_id"):
            self._check_identity(account, str(spec["instagram_user_id"]))
        data = spec.get("video_data")
        if not isinstance(data, dict):
            raise invalid("This sandbox creates creatives of videos only: video_data is missing.")
        video = self.videos.by_id.get(str(data.get("video_id", "")))
        if video is None or video.account is not account:
            raise invalid("The video of the creative does not exist in this account.", title="Video Is Missing")
        if self.videos.status(video, call.now) != "ready":
            raise invalid("The video is still being processed.", title="Video Not Ready")
        if not data.get("image_url") and not data.get("image_hash"):
            raise invalid("Please specify one of image_hash or image_url in video_data.", title="Thumbnail Is Missing")
        action = data.get("call_to_action") or {}
        return {
            "object_story_spec": spec, "object_type": "VIDEO", "video_id": video.id, "title": data.get("title"),
            "body": data.get("message"), "image_url": data.get("image_url"), "image_hash": data.get("image_hash"),
            "instagram_user_id": spec.get("instagram_user_id"), "call_to_action_type": action.get("type"),
            "thumbnail_url": data.get("image_url"),
        }

    def _page(self, call: NodeCall, page_id: str) -> Page:
        page = self.world.pages.get(page_id)
        tasks = self.access.tasks_of(call.token.subject_id, page_id)
        if page is None or (tasks is not None and "ADVERTISE" not in tasks):
            raise GraphApiError(
                "(#10) You do not have the required permission to advertise for the Page", 10, subcode=1341012,
                status=400,
            )
        if "pages_manage_ads" not in call.token.scopes:
            raise GraphApiError("(#200) Requires pages_manage_ads permission to manage the object", 200, status=403)
        return page

    def _check_identity(self, account: Account, instagram_id: str) -> None:
        assigned = self.access.identities.get(account.id)
        if assigned is None:
            assigned = [page.instagram_id for page in self.world.pages.values() if page.business == account.business]
        if instagram_id not in assigned:
            raise GraphApiError(
                "Ad account has no access to Instagram account", 1815199, user_title="Instagram Account Not Accessible",
                user_msg="The ad account has no access to this Instagram account.",
            )


def _check_features(freedom: dict[str, Any]) -> None:
    features = freedom.get("creative_features_spec", {})
    for name, details in features.items() if isinstance(features, dict) else ():
        if not isinstance(details, dict) or details.get("enroll_status") not in ENROLLMENTS:
            raise invalid(f"{name} needs an enroll_status of OPT_IN or OPT_OUT.", title="Invalid Feature")
