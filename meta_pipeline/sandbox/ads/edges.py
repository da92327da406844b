"""Ad accounts, campaigns, ad sets, ads and creatives: the nodes and their edges (docs/graph-api.md §2, §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.ads import creatives
from meta_pipeline.sandbox.ads.activities import ActivityLog
from meta_pipeline.sandbox.ads.creation import previews
from meta_pipeline.sandbox.ads.creation.creation import Creation
from meta_pipeline.sandbox.ads.custom_conversions import list_custom_conversions
from meta_pipeline.sandbox.ads.entity_filters import filter_entities
from meta_pipeline.sandbox.ads.entity_nodes import entity_node
from meta_pipeline.sandbox.ads.insights.endpoint import InsightsEndpoint
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields, split_fields
from meta_pipeline.sandbox.protocol.limits import Limits
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.nodes import account_node
from meta_pipeline.sandbox.world.world import World

ADS_SCOPES = ("ads_read", "ads_management")


@dataclass(frozen=True, kw_only=True)
class AdsEdges:
    """Answers the paths of ad accounts and of what they contain."""

    world: World
    access: NodeAccess
    limits: Limits
    insights: InsightsEndpoint
    activities: ActivityLog
    creation: Creation

    def list_accounts(self, call: NodeCall) -> dict[str, Any]:
        """Return the ad accounts that a person reaches (`me/adaccounts`)."""
        require_scope(call.token, *ADS_SCOPES)
        accounts = [
            account for account in self.world.accounts.values()
            if self.access.is_reachable(account.id, call.token.subject_id)
        ]
        return paginate(call.request, accounts, lambda account: self._account(call, account, with_tasks=True))

    def answer_account(self, call: NodeCall) -> Any:
        """Return an ad account (`act_…`) or one of its edges."""
        account = self.world.accounts.get(call.node_id.removeprefix("act_"))
        if account is None or not self.access.is_reachable(account.id, call.token.subject_id):
            raise unknown_object(call.node_id)
        has_scope = not set(ADS_SCOPES).isdisjoint(call.token.scopes)
        if not has_scope or (call.edge and not self.access.may_read(account.id, call.token.subject_id)):
            raise GraphApiError(
                "(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403
            )
        if call.request.method == "POST" and call.edge != "insights":
            return self.creation.post(call, account)
        match call.edge:
            case "":
                return self._account(call, account, with_tasks=False)
            case "insights":
                return self.insights.answer(call, account)
            case "adcreatives":
                return creatives.list_creatives(
                    call, self._with_drawn_creative(self.world.ads_of(account.id)), self.world,
                    max_heavy=self.limits.settings.heavy_creatives_a_page,
                    created=[self.creation.creatives.node(each) for each in self.creation.creatives.of(account)],
                )
            case "advideos":
                return self.creation.list_videos(call, account)
            case "customconversions":
                return list_custom_conversions(call, account)
            case "activities":
                return self.activities.answer(call, account)
            case "connected_instagram_accounts":
                return self._list_identities(call, account)
            case "ads" | "adsets" | "campaigns":
                return self._list(call, [entity for entity in self._all(call.edge) if entity.account is account])
        raise unknown_path(call.edge)

    def answer_entity(self, call: NodeCall, entity: Entity) -> Any:
        """Return a campaign, ad set or ad, or one of its edges."""
        require_scope(call.token, *ADS_SCOPES)
        if call.request.method != "GET" and call.edge != "insights":
            return self.creation.change_entity(call, entity)
        match call.edge:
            case "":
                return self._entity(call, entity)
            case "previews" if entity.kind == "ad":
                return previews.answer(call, entity.id)
            case "insights":
                return self.insights.answer(call, entity)
            case "adcreatives":
                ads = [ad for ad in self.world.ads_of(entity.account.id) if ad is entity or entity in ad.parents]
                created = [node for ad in ads if (node := self.creation.creative_node_of(ad)) is not None]
                return creatives.list_creatives(
                    call, self._with_drawn_creative(ads), self.world, max_heavy=0, created=created
                )
            case "ads" | "adsets":
                return self._list(call, [child for child in self._all(call.edge) if entity in child.parents])
        raise unknown_path(call.edge)

    def answer_creative(self, call: NodeCall, ad: Entity) -> dict[str, Any]:
        """Return an ad's creative."""
        require_scope(call.token, *ADS_SCOPES)
        return creatives.read_creative(call, ad, self.world)

    def _with_drawn_creative(self, ads: list[Entity]) -> list[Entity]:
        """Return the ads whose creative was generated with the world, not created through the API."""
        return [ad for ad in ads if self.creation.creative_node_of(ad) is None]

    def _all(self, edge: str) -> list[Entity]:
        stores: dict[str, Mapping[str, Entity]] = {
            "campaigns": self.world.campaigns, "adsets": self.world.ad_sets, "ads": self.world.ads,
        }
        return list(stores[edge].values())

    def _list(self, call: NodeCall, entities: list[Entity]) -> dict[str, Any]:
        return paginate(
            call.request, filter_entities(call.request, entities), lambda entity: self._entity(call, entity)
        )

    def _list_identities(self, call: NodeCall, account: Account) -> dict[str, Any]:
        """List the Instagram accounts that ads may appear as: those of the portfolio's Pages, unless others were
        assigned."""
        assigned = self.access.identities.get(account.id)
        pages = [
            page for page in self.world.pages.values()
            if (page.business == account.business if assigned is None else page.instagram_id in assigned)
        ]
        return paginate(call.request, pages, lambda page: select_fields(
            {"_type": "IGUser", "id": page.instagram_id, "username": page.instagram_name, "name": page.name},
            call.fields, ("id",),
        ))

    def _account(self, call: NodeCall, account: Account, *, with_tasks: bool) -> dict[str, Any]:
        has_business = "business_management" in call.token.scopes
        node = account_node(
            account, self.world, call.now,
            business=self.access.owner(account.id, account.business) if has_business else None,
            tasks=self.access.tasks_of(call.token.subject_id, account.id) if with_tasks else None,
        )
        return select_fields(node, call.fields, ("id", "account_id"))

    def _entity(self, call: NodeCall, entity: Entity) -> dict[str, Any]:
        creative: dict[str, Any] | None = None
        if entity.kind == "ad" and (created := self.creation.creative_node_of(entity)) is not None:
            creative = created
        elif entity.kind == "ad" and "creative" in (call.fields or ""):
            for name in split_fields(call.fields or ""):
                base, _, nested = name.partition("{")
                if base == "creative":
                    creatives.refuse_incomplete(entity, self.world, set(split_fields(nested.rstrip("}"))))
            creative = creatives.creative_node(entity, self.world, call.now, call.request.base_url)
        return select_fields(entity_node(entity, self.world, call.now, creative), call.fields)
