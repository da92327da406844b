"""Ad accounts, campaigns, ad sets and ads: the nodes and their edges (graph-api.md §2, §9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox import creatives, nodes
from meta_pipeline.sandbox.answers import Ask, Refused, paged, projected, split_fields, too_much, unknown_object
from meta_pipeline.sandbox.entities import entity as node_of
from meta_pipeline.sandbox.entities import listed
from meta_pipeline.sandbox.fields import FIELDS, summary
from meta_pipeline.sandbox.nouns import Account, Entity
from meta_pipeline.sandbox.query import understood
from meta_pipeline.sandbox.scene import Scene
from meta_pipeline.sandbox.tokens import Token


def account(scene: Scene, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
    """An ad account or what lies behind it."""
    found = scene.world.accounts.get(head.removeprefix("act_"))
    if found is None or scene.tasks.get(found.id) == []:
        raise unknown_object(head)
    if not {"ads_read", "ads_management"} & set(token.scopes) or (edge and not scene.may_read(found.id)):
        raise Refused("(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403)
    world = scene.world
    match edge:
        case "":
            node = nodes.account(found, world, now, sees_business="business_management" in token.scopes)
            return projected(node, ask.params.get("fields"), ("id", "account_id"))
        case "insights":
            return _insights(scene, ask, found, found, now)
        case "adcreatives":
            heavy = scene.limits.settings.heavy_creatives_a_page
            return creatives.listing(ask, world.ads_of(found.id), world, now, heavy_a_page=heavy)
        case "ads" | "adsets" | "campaigns":
            return _listing(scene, ask, [one for one in _store(scene, edge).values() if one.account is found], now)
    raise Refused(f"Unknown path components: /{edge}", 2500)


def entity(scene: Scene, ask: Ask, one: Entity, edge: str, now: dt.datetime) -> Any:
    """A campaign, ad set or ad, or what lies behind it."""
    match edge:
        case "":
            return _shown(scene, ask, one, now)
        case "insights":
            return _insights(scene, ask, one, one.account, now)
        case "adcreatives":
            ads = [ad for ad in scene.world.ads_of(one.account.id) if ad is one or one in ad.parents]
            return creatives.listing(ask, ads, scene.world, now, heavy_a_page=0)
        case "ads" | "adsets":
            return _listing(scene, ask, [child for child in _store(scene, edge).values() if one in child.parents], now)
    raise Refused(f"Unknown path components: /{edge}", 2500)


def _store(scene: Scene, edge: str) -> Mapping[str, Entity]:
    return {"campaigns": scene.world.campaigns, "adsets": scene.world.ad_sets, "ads": scene.world.ads}[edge]


def _listing(scene: Scene, ask: Ask, found: list[Entity], now: dt.datetime) -> dict[str, Any]:
    return paged(ask, listed(ask, found), lambda one: _shown(scene, ask, one, now))


def _shown(scene: Scene, ask: Ask, one: Entity, now: dt.datetime) -> dict[str, Any]:
    fields, creative = ask.params.get("fields"), None
    if one.kind == "ad" and "creative" in (fields or ""):
        for name in split_fields(fields or ""):
            base, _, nested = name.partition("{")
            if base == "creative":
                creatives.refuse_incomplete(one, scene.world, set(split_fields(nested.rstrip("}"))))
        creative = creatives.creative(one, scene.world, now, ask.base_url)
    return projected(node_of(one, scene.world, now, creative), fields)


def _insights(scene: Scene, ask: Ask, node: Account | Entity, account: Account, now: dt.datetime) -> Any:
    query = understood(ask, node, scene.world, now, FIELDS)
    if ask.method == "POST":
        return scene.runs.submit(account, query, ask.params, now, scene.faults.fate(ask))
    found = [] if query.is_gated else scene.insights.rows(query, now)
    if not query.is_gated and scene.runs.is_too_much(query, now):
        raise too_much()
    page = scene.runs.page(ask, found, query)
    if ask.params.get("summary") or ask.params.get("default_summary"):
        page["summary"] = summary(found, query)
    return page
