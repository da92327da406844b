"""What an insights request asks for, understood or refused (graph-api.md §2.1, §2.3, §2.6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.answers import Ask, Refused
from meta_pipeline.sandbox.breakdowns import COMBINATIONS, GATED
from meta_pipeline.sandbox.nouns import Account, Entity
from meta_pipeline.sandbox.periods import Period, periods_of
from meta_pipeline.sandbox.world import World

LEVELS = ("account", "campaign", "adset", "ad")
DEFAULT_FIELDS = ("account_id", "campaign_id", "adset_id", "ad_id", "impressions", "spend")
WINDOWS_WITH_DATA = ("1d_view", "1d_click", "7d_click", "28d_click", "1d_ev")
WINDOWS = (*WINDOWS_WITH_DATA, "7d_view", "28d_view", "default", "dda", "skan_view", "skan_click")


@dataclass(frozen=True)
class Query:
    """One insights request, understood."""

    account: Account
    ads: list[Entity]
    level: str
    periods: list[Period]
    fields: list[str]
    breakdowns: tuple[str, ...]
    windows: list[str]

    @property
    def depth(self) -> int:
        """How deep the level is: 0 is the account's."""
        return LEVELS.index(self.level)

    @property
    def is_gated(self) -> bool:
        """Whether only accounts that opted in get it, through report runs (graph-api.md §2.7)."""
        return not GATED.isdisjoint(self.breakdowns)

    def is_reach_of_long_ago(self, now: dt.datetime) -> bool:
        """Reach by a breakdown, from more than 13 months ago: only a report run gives it, ten a day."""
        is_old = min(since for since, _ in self.periods) < now.date() - dt.timedelta(days=13 * 30)
        return is_old and bool(self.breakdowns) and bool({"reach", "frequency", "cpp"} & set(self.fields))


def understood(ask: Ask, node: Account | Entity, world: World, now: dt.datetime, known: set[str]) -> Query:
    """The request, or why Graph refuses it; `known` are the fields there are."""
    own = "account" if isinstance(node, Account) else node.kind
    level = ask.params.get("level", own)
    if level not in LEVELS:
        raise Refused(f"(#100) level must be one of the following values: {', '.join(LEVELS)}", 100)
    account = node if isinstance(node, Account) else node.account
    fields = ask.words("fields") or list(DEFAULT_FIELDS)
    for name in fields:
        if name not in known:
            raise Refused(
                f"(#100) {name} is not valid for fields param. please check "
                "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values", 100
            )
    breakdowns = tuple(dict.fromkeys(ask.words("breakdowns")))
    _check_breakdowns(breakdowns, fields)
    windows = ask.words("action_attribution_windows")
    for window in windows:
        if window not in WINDOWS:
            raise Refused(f"(#100) action_attribution_windows: {window} is not a valid window", 100)
    ads = _ads(ask, node, account, level, world)
    periods = periods_of(ask, now.astimezone(world.zone(account, now)).date())
    return Query(account, ads, level, periods, fields, breakdowns, windows)


def _check_breakdowns(breakdowns: tuple[str, ...], fields: list[str]) -> None:
    if "dma" in breakdowns:
        raise Refused(
            "(#100) dma breakdown is no longer supported; to retrieve market-level data, please instead use "
            "comscore_market breakdown.", 100,
        )
    if breakdowns and frozenset(breakdowns) not in COMBINATIONS:
        shown = ", ".join([*(["action_type"] if {"actions", "action_values"} & set(fields) else []), *breakdowns])
        raise Refused(f"(#100) Current combination of data breakdown columns ({shown}) is invalid", 100)


def _ads(ask: Ask, node: Account | Entity, account: Account, level: str, world: World) -> list[Entity]:
    """The ads whose facts are in. By default level=ad leaves deleted and archived ones out; totals have them."""
    ads = world.ads_of(account.id)
    if isinstance(node, Entity):
        ads = [ad for ad in ads if node is ad or node in ad.parents]
    filters = ask.json("filtering", []) or []
    says_status = False
    for rule in filters:
        name, operator, value = str(rule.get("field")), str(rule.get("operator")), rule.get("value")
        if name not in _FILTERS:
            raise Refused(f"(#100) Filtering field {name} with operation {operator.lower()} is not supported", 100)
        says_status |= name == "ad.effective_status"
        many = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        ads = [ad for ad in ads if _holds(_FILTERS[name](ad), operator, many)]
    if level == "ad" and not says_status and not (isinstance(node, Entity) and node.kind == "ad"):
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


def _holds(actual: str, operator: str, many: list[Any]) -> bool:
    match operator:
        case "IN" | "EQUAL" | "ANY":
            return actual in many
        case "NOT_IN" | "NOT_EQUAL" | "NONE":
            return actual not in many
        case "CONTAIN" | "CONTAINS_ANY":
            return any(one.lower() in actual.lower() for one in many)
        case "STARTS_WITH":
            return any(actual.startswith(one) for one in many)
    raise Refused(f"(#100) Filtering operator {operator} is not supported here", 100)
