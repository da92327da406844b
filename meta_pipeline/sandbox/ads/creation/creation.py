"""POST and DELETE of an ad account, and of what was created in it (docs/graph-api.md §10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.ads.creation import entities, previews
from meta_pipeline.sandbox.ads.creation.creatives import Creative, Creatives
from meta_pipeline.sandbox.ads.creation.rules import invalid, is_dry_run, one_of
from meta_pipeline.sandbox.ads.creation.videos import Video, Videos
from meta_pipeline.sandbox.ads.entity_changes import EntityChanges
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.faults import Faults
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Account, Entity

_OK: dict[str, Any] = {"success": True}
_KINDS = {"campaigns": "campaign", "adsets": "adset", "ads": "ad"}


class Creation:
    """The objects that were created through the API. `review_s`: how long Meta reviews an ad that is switched on, and
    `review_fails` whether it then disapproves."""

    def __init__(self, *, changes: EntityChanges, access: NodeAccess, faults: Faults) -> None:
        self.changes, self.world, self.access = changes, changes.world, access
        self.videos = Videos(faults)
        self.creatives = Creatives(world=self.world, access=access, videos=self.videos)
        self.review_s, self.review_fails = 600.0, False

    def configure(self, options: dict[str, Any]) -> dict[str, Any]:
        """Set how videos are processed and ads reviewed; return the values."""
        self.videos.processing_s = float(options.get("processing_s", self.videos.processing_s))
        self.videos.fails = bool(options.get("processing_fails", self.videos.fails))
        self.review_s = float(options.get("review_s", self.review_s))
        self.review_fails = bool(options.get("review_fails", self.review_fails))
        return {
            "processing_s": self.videos.processing_s, "processing_fails": self.videos.fails,
            "review_s": self.review_s, "review_fails": self.review_fails,
        }

    def find(self, node_id: str) -> Creative | Video | None:
        """Return a creative or a video that was created here."""
        return self.creatives.by_id.get(node_id) or self.videos.by_id.get(node_id)

    def account_of(self, node_id: str) -> Account | None:
        """Return the account in which a creative or a video was created."""
        node = self.find(node_id)
        return None if node is None else node.account

    def post(self, call: NodeCall, account: Account) -> Any:
        """Answer a POST to an edge of an ad account."""
        self._require_task(call, account)
        match call.edge:
            case "advideos":
                return self.videos.upload(call, account)
            case "adcreatives":
                fields = self.creatives.check(call, account)
                return _OK if is_dry_run(call) else {"id": self.creatives.create(call, account, fields).id}
            case "campaigns" | "adsets" | "ads":
                return self._create_entity(call, account)
        raise unknown_path(call.edge)

    def list_videos(self, call: NodeCall, account: Account) -> dict[str, Any]:
        """Return a page of an account's videos; `title` selects those whose title contains it."""
        title = call.request.params.get("title", "")
        videos = [video for video in self.videos.of(account) if title in video.title]
        render = lambda video: select_fields(self.videos.node(video, call.now), call.fields)
        return paginate(call.request, videos, render)

    def change_entity(self, call: NodeCall, entity: Entity) -> Any:
        """Answer a POST or DELETE of a campaign, ad set or ad."""
        self._require_task(call, entity.account)
        if call.request.method == "DELETE":
            if entity.status == "DELETED":
                raise unknown_object(entity.id)
            self._delete(entity, call.now)
            return _OK
        attributes, fields = entities.changes_of(call, entity)
        if is_dry_run(call):
            return _OK
        was_active = entity.status == "ACTIVE"
        if attributes.get("status") == "DELETED":
            self._delete(entity, call.now)
        elif attributes:
            self.changes.apply_or_plan({"id": entity.id, **attributes}, call.now)
        entity.fields |= fields
        if entity.kind == "ad" and entity.status == "ACTIVE" and not was_active:
            self._review(entity, call.now)
        return _OK

    def answer(self, call: NodeCall) -> Any:
        """Answer a call to a creative or video that was created here."""
        node = self.find(call.node_id)
        if node is None:
            raise unknown_object(call.node_id)
        if call.request.method != "GET":
            return self._change(call, node)
        if isinstance(node, Video):
            return select_fields(self.videos.node(node, call.now), call.fields)
        if call.edge == "previews":
            return previews.answer(call, node.id)
        return select_fields(self.creatives.node(node), call.fields)

    def creative_node_of(self, ad: Entity) -> dict[str, Any] | None:
        """Return the node of an ad's creative if both were created here."""
        creative = self.creatives.by_id.get(str(ad.fields.get("creative_id", "")))
        return None if creative is None else self.creatives.node(creative)

    def _create_entity(self, call: NodeCall, account: Account) -> Any:
        parent: Entity | None = None
        match call.edge:
            case "campaigns":
                fields = entities.campaign_fields(call, account)
                place = {"account_id": account.id}
            case "adsets":
                parent, fields = entities.ad_set_fields(call, account, self.world)
                place = {"campaign_id": parent.id}
            case _:
                parent, fields = entities.ad_fields(call, account, self.world, self.creatives.exists)
                place = {"adset_id": parent.id}
        name, status, budget = entities.name_of(call), entities.first_status(call), entities.daily_budget(call)
        if is_dry_run(call):
            return _OK
        entity = self.changes.apply_or_plan({"create": _KINDS[call.edge], **place, "name": name}, call.now)
        if entity is None:
            raise GraphApiError("An unknown error occurred", 1, status=500)
        entity.fields, entity.daily_budget = fields, budget
        if status == "PAUSED":
            entity.status, entity.ended_on = status, entity.created_on
        elif entity.kind == "ad":
            self._review(entity, call.now)
        self.world.invalidate_caches()
        return {"id": entity.id}

    def _review(self, ad: Entity, now: dt.datetime) -> None:
        """Begin Meta's review of an ad that was switched on."""
        ad.is_in_review, ad.is_disapproved = True, False
        self.changes.at(now + dt.timedelta(seconds=self.review_s), lambda: self._end_review(ad, self.review_fails))
        self.world.invalidate_caches()

    def _end_review(self, ad: Entity, fails: bool) -> None:
        ad.is_in_review, ad.is_disapproved = False, fails
        self.world.invalidate_caches()

    def _delete(self, entity: Entity, now: dt.datetime) -> None:
        """Delete an entity and everything in it."""
        below = [each for each in (*self.world.ads.values(), *self.world.ad_sets.values()) if entity in each.parents]
        for each in (*below, entity):
            if each.status != "DELETED":
                self.changes.apply_or_plan({"id": each.id, "status": "DELETED"}, now)

    def _change(self, call: NodeCall, node: Creative | Video) -> dict[str, bool]:
        self._require_task(call, node.account)
        if call.request.method == "POST":
            return self._rename(call, node)
        if isinstance(node, Video):
            if any(each.fields.get("video_id") == node.id for each in self.creatives.of(node.account)):
                raise invalid("The video is used by a creative.", title="Video In Use")
            del self.videos.by_id[node.id]
            return _OK
        ads = self.world.ads_of(node.account.id)
        if any(ad.fields.get("creative_id") == node.id and ad.status != "DELETED" for ad in ads):
            raise invalid("The creative is used by an ad.", title="Creative In Use")
        if node.status == "DELETED":
            raise unknown_object(node.id)
        node.status = "DELETED"
        return _OK

    def _rename(self, call: NodeCall, node: Creative | Video) -> dict[str, bool]:
        params = call.request.params
        if isinstance(node, Video):
            node.title = params.get("title", params.get("name", node.title))
        else:
            node.name = params.get("name", node.name)
            node.status = one_of("status", params.get("status", node.status), ("ACTIVE", "DELETED"))
        return _OK

    def _require_task(self, call: NodeCall, account: Account) -> None:
        if "ads_management" not in call.token.scopes:
            raise GraphApiError("(#200) Requires ads_management permission to manage the object", 200, status=403)
        tasks = self.access.tasks_of(call.token.subject_id, account.id)
        if tasks is not None and not {"ADVERTISE", "MANAGE"} & set(tasks):
            raise GraphApiError("(#200) The user has no permission to advertise in this account", 200, status=403)
