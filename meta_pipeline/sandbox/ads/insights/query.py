"""An insights request, parsed and validated (docs/graph-api.md §2.1, §2.3, §2.6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from meta_pipeline.sandbox.ads.insights.breakdowns import COMBINATIONS, GATED
from meta_pipeline.sandbox.ads.insights.periods import Period, requested_periods
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.world.entities import Account, Entity
from meta_pipeline.sandbox.world.world import World

LEVELS = ("account", "campaign", "adset", "ad")
DEFAULT_FIELDS = ("account_id", "campaign_id", "adset_id", "ad_id", "impressions", "spend")
WINDOWS_WITH_DATA = ("1d_view", "1d_click", "7d_click", "28d_click", "1d_ev")
WINDOWS = (*WINDOWS_WITH_DATA, "7d_view", "28d_view", "default", "dda", "skan_view", "skan_click")
_FUNNEL_FIELDS = frozenset(("actions", "outbound_clicks", "unique_outbound_clicks"))
_REACH_FIELDS = frozenset(("reach", "frequency", "cpp"))
_REACH_HISTORY = dt.timedelta(days=13 * 30)


@dataclass(frozen=True, kw_only=True)
class Query:
    """One insights request; `ads` are those whose deliveries count."""

    account: Account
    ads: list[Entity]
    level: str
    periods: list[Period]
    fields: list[str]
    breakdowns: tuple[str, ...]
    windows: list[str]

    @property
    def depth(self) -> int:
        """Level as a number: 0 for the account, 3 for ads."""
        return LEVELS.index(self.level)

    @property
    def needs_funnel(self) -> bool:
        """True if a requested field counts what follows an impression, a click or a purchase."""
        return any(name in _FUNNEL_FIELDS or name.startswith("video_") for name in self.fields)

    @property
    def is_gated(self) -> bool:
        """True if only opted-in accounts get it, and only through report runs (docs/graph-api.md §2.7)."""
        return not GATED.isdisjoint(self.breakdowns)

    def has_historical_reach(self, now: dt.datetime) -> bool:
        """Check for reach by a breakdown from more than 13 months ago: ten report runs a day may request it."""
        is_old = min(since for since, _ in self.periods) < now.date() - _REACH_HISTORY
        return is_old and bool(self.breakdowns) and not _REACH_FIELDS.isdisjoint(self.fields)


def parse_query(
    request: GraphRequest, node: Account | Entity, world: World, now: dt.datetime, *, valid_fields: set[str]
) -> Query:
    """Return the query of a request to a node's `insights`; raise the error that Graph returns for an invalid one."""
    account, own_level = (node, "account") if isinstance(node, Account) else (node.account, node.kind)
    level = request.params.get("level", own_level)
    if level not in LEVELS:
        raise GraphApiError(f"(#100) level must be one of the following values: {', '.join(LEVELS)}", 100)
    fields = request.list_param("fields") or list(DEFAULT_FIELDS)
    for name in fields:
        if name not in valid_fields:
            raise GraphApiError(
                f"(#100) {name} is not valid for fields param. please check "
                "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values", 100
            )
    breakdowns = tuple(dict.fromkeys(request.list_param("breakdowns")))
    _check_breakdowns(breakdowns, fields)
    windows = request.list_param("action_attribution_windows")
    for window in windows:
        if window not in WINDOWS:
            raise GraphApiError(f"(#100) action_attribution_windows: {window} is not a valid window", 100)
    return Query(
        account=account, ads=_select_ads(request, node, world.ads_of(account.id), level), level=level,
        periods=requested_periods(request, now.astimezone(world.zone(account, now)).date()), fields=fields,
        breakdowns=breakdowns, windows=windows,
    )


def _check_breakdowns(breakdowns: tuple[str, ...], fields: list[str]) -> None:
    if "dma" in breakdowns:
        raise GraphApiError(
            "(#100) dma breakdown is no longer supported; to retrieve market-level data, please instead use "
            "comscore_market breakdown.", 100,
        )
    if breakdowns and frozenset(breakdowns) not in COMBINATIONS:
        columns = ", ".join([*(["action_type"] if {"actions", "action_values"} & set(fields) else []), *breakdowns])
        raise GraphApiError(f"(#100) Current combination of data breakdown columns ({columns}) is invalid", 100)


def _select_ads(request: GraphRequest, node: Account | Entity, ads: list[Entity], level: str) -> list[Entity]:
    """Return the ads that the node and the filters select. By default level=ad leaves out deleted and archived ads,
    which the totals of higher levels include."""
    if isinstance(node, Entity):
        ads = [ad for ad in ads if node is ad or node in ad.parents]
    has_status_filter = False
    for rule in request.json_param("filtering", []) or []:
        name, operator, value = str(rule.get("field")), str(rule.get("operator")), rule.get("value")
        if name not in _FILTERS:
            raise GraphApiError(
                f"(#100) Filtering field {name} with operation {operator.lower()} is not supported", 100
            )
        has_status_filter |= name == "ad.effective_status"
        wanted = [str(item) for item in value] if isinstance(value, list) else [str(value)]
        ads = [ad for ad in ads if _matches(_FILTERS[name](ad), operator, wanted)]
    is_single_ad = isinstance(node, Entity) and node.kind == "ad"
    if level == "ad" and not has_status_filter and not is_single_ad:
        ads = [ad for ad in ads if ad.effective_status not in ("DELETED", "ARCHIVED")]
    return ads


_FILTERS: dict[str, Callable[[Entity], str]] = {
    "ad.id": lambda ad: ad.id,
    "adset.id": lambda ad: ad.parents[1].id,
    "campaign.id": lambda ad: ad.parents[0].id,
    "campaign.name": lambda ad: ad.parents[0].name,
    "ad.name": lambda ad: ad.name,
    "ad.effective_status": lambda ad: ad.effective_status,
    "adset.effective_status": lambda ad: ad.parents[1].effective_status,
    "campaign.effective_status": lambda ad: ad.parents[0].effective_status,
}


def _matches(actual: str, operator: str, wanted: list[str]) -> bool:
    match operator:
        case "IN" | "EQUAL" | "ANY":
            return actual in wanted
        case "NOT_IN" | "NOT_EQUAL" | "NONE":
            return actual not in wanted
        case "CONTAIN" | "CONTAINS_ANY":
            return any(text.lower() in actual.lower() for text in wanted)
        case "STARTS_WITH":
            return any(actual.startswith(text) for text in wanted)
    raise GraphApiError(f"(#100) Filtering operator {operator} is not supported here", 100)
