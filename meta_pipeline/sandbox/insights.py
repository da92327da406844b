"""Ads Insights over the world's facts (graph-api.md §2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from meta_pipeline.sandbox.answers import Ask, Refused
from meta_pipeline.sandbox.breakdowns import COMBINATIONS, split
from meta_pipeline.sandbox.world import NOTHING, Account, Entity, Fact, World, added, money

HISTORY_MONTHS = 37
LEVELS = ("account", "campaign", "adset", "ad")
DEFAULT_FIELDS = ("account_id", "campaign_id", "adset_id", "ad_id", "impressions", "spend")
WINDOWS_WITH_DATA = ("1d_view", "1d_click", "7d_click", "28d_click", "1d_ev")
WINDOWS = (*WINDOWS_WITH_DATA, "7d_view", "28d_view", "default", "dda", "skan_view", "skan_click")
_SIX = Decimal("0.000001")


@dataclass(frozen=True)
class Query:
    """One insights request, understood."""

    ads: list[Entity]
    accounts: list[Account]
    level: str
    periods: list[tuple[dt.date, dt.date]]
    fields: list[str]
    breakdowns: list[str]
    windows: list[str]

    def is_reach_of_long_ago(self, now: dt.datetime) -> bool:
        """Reach by a breakdown, from more than 13 months ago: only a report run gives it, ten a day."""
        is_old = self.periods[0][0] < now.date() - dt.timedelta(days=13 * 30)
        return is_old and bool(self.breakdowns) and bool({"reach", "frequency", "cpp"} & set(self.fields))


def understood(ask: Ask, node: Account | Entity, world: World, now: dt.datetime) -> Query:
    """The request, or why Graph refuses it."""
    own = "account" if isinstance(node, Account) else node.kind
    level = ask.params.get("level", own)
    if level not in LEVELS:
        raise Refused(f"(#100) level must be one of the following values: {', '.join(LEVELS)}", 100)
    account = node if isinstance(node, Account) else node.account
    fields = ask.words("fields") or list(DEFAULT_FIELDS)
    for name in fields:
        if name not in FIELDS:
            raise Refused(
                f"(#100) {name} is not valid for fields param. please check "
                "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values", 100
            )
    breakdowns = ask.words("breakdowns")
    if "dma" in breakdowns:
        raise Refused(
            "(#100) dma breakdown is no longer supported; to retrieve market-level data, please instead use "
            "comscore_market breakdown.", 100,
        )
    if breakdowns and frozenset(breakdowns) not in COMBINATIONS:
        shown = ", ".join([*(["action_type"] if {"actions", "action_values"} & set(fields) else []), *breakdowns])
        raise Refused(f"(#100) Current combination of data breakdown columns ({shown}) is invalid", 100)
    windows = ask.words("action_attribution_windows")
    for window in windows:
        if window not in WINDOWS:
            raise Refused(f"(#100) action_attribution_windows: {window} is not a valid window", 100)
    return Query(
        _ads(ask, node, account, level, world), [account], level, _periods(ask, account, now), fields, breakdowns,
        windows,
    )


def _ads(ask: Ask, node: Account | Entity, account: Account, level: str, world: World) -> list[Entity]:
    """The ads whose facts are in. By default level=ad leaves deleted and archived ones out; totals have them."""
    ads = world.ads_of(account.id)
    if isinstance(node, Entity):
        ads = [ad for ad in ads if node.id == ad.id or node in ad.parents]
    filters = ask.json("filtering", []) or []
    says_status = False
    for rule in filters:
        name, operator, value = str(rule.get("field")), str(rule.get("operator")), rule.get("value")
        if name not in _FILTERS:
            raise Refused(f"(#100) Filtering field {name} with operation {operator.lower()} is not supported", 100)
        says_status |= name == "ad.effective_status"
        ads = [ad for ad in ads if _holds(_FILTERS[name](ad), operator, value)]
    if level == "ad" and not says_status and not (isinstance(node, Entity) and node.kind == "ad"):
        ads = [ad for ad in ads if ad.status not in ("DELETED", "ARCHIVED")]
    return ads


_FILTERS: dict[str, Callable[[Entity], str]] = {
    "ad.id": lambda ad: ad.id,
    "adset.id": lambda ad: ad.parents[1].id,
    "campaign.id": lambda ad: ad.parents[0].id,
    "campaign.name": lambda ad: ad.parents[0].name,
    "ad.name": lambda ad: ad.name,
    "ad.effective_status": lambda ad: ad.status,
    "adset.effective_status": lambda ad: ad.parents[1].status,
    "campaign.effective_status": lambda ad: ad.parents[0].status,
}


def _holds(actual: str, operator: str, value: Any) -> bool:
    many = [str(one) for one in value] if isinstance(value, list) else [str(value)]
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


def _periods(ask: Ask, account: Account, now: dt.datetime) -> list[tuple[dt.date, dt.date]]:
    today = now.astimezone(account.zone).date()
    if many := ask.json("time_ranges"):
        return [_range(one, today) for one in many]
    if one := ask.json("time_range"):
        since, until = _range(one, today)
    else:
        since, until = _preset(ask.params.get("date_preset", "last_30d"), today)
    increment = ask.params.get("time_increment", "all_days")
    if increment == "all_days":
        return [(since, until)]
    if increment == "monthly":
        return list(_months(since, until))
    try:
        step = int(increment)
    except ValueError:
        step = 0
    if not 1 <= step <= 90:
        raise Refused("(#100) time_increment must be between 1 and 90, monthly or all_days", 100)
    starts = range(0, (until - since).days + 1, step)
    return [
        (since + dt.timedelta(days=n), min(until, since + dt.timedelta(days=n + step - 1))) for n in starts
    ]


def _range(one: Any, today: dt.date) -> tuple[dt.date, dt.date]:
    try:
        since, until = dt.date.fromisoformat(one["since"]), dt.date.fromisoformat(one["until"])
    except (KeyError, TypeError, ValueError):
        raise Refused("(#100) Must be a date representation in the format YYYY-MM-DD", 100) from None
    if since > until:
        raise Refused("(#100) The start date must be before the end date", 100)
    months = (today.year - since.year) * 12 + today.month - since.month - (since.day > today.day)
    if months >= HISTORY_MONTHS:
        raise Refused(
            f"(#3018) The start date of the time range cannot be beyond {HISTORY_MONTHS} months from the current date",
            3018,
        )
    return since, until


def _preset(name: str, today: dt.date) -> tuple[dt.date, dt.date]:
    day = dt.timedelta(days=1)
    if name == "today":
        return today, today
    if name == "yesterday":
        return today - day, today - day
    if name == "this_month":
        return today.replace(day=1), today
    if name == "last_month":
        end = today.replace(day=1) - day
        return end.replace(day=1), end
    if name in ("maximum", "data_maximum"):
        return today - dt.timedelta(days=1100), today
    if name.startswith("last_") and name.endswith("d") and name[5:-1].isdigit():
        return today - int(name[5:-1]) * day, today - day
    raise Refused(f"(#100) date_preset must be one of the documented values, not {name}", 100)


def _months(since: dt.date, until: dt.date) -> Iterable[tuple[dt.date, dt.date]]:
    start = since
    while start <= until:
        following = (start.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        yield start, min(until, following - dt.timedelta(days=1))
        start = following


@dataclass(frozen=True)
class Row:
    """One row before its fields are chosen."""

    account: Account
    ad: Entity | None
    since: dt.date
    until: dt.date
    fact: Fact
    values: dict[str, str]


def rows(query: Query, world: World, now: dt.datetime) -> list[Row]:
    """Every row with delivery; nothing that did not deliver has one."""
    depth = LEVELS.index(query.level)
    found: list[Row] = []
    for since, until in query.periods:
        days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        groups: dict[str, list[tuple[Entity, Fact]]] = {}
        for ad in query.ads:
            key = (ad.account.id, *(parent.id for parent in ad.parents), ad.id)[depth]
            for day in days:
                if (fact := world.fact(ad, day, now)).impressions:
                    groups.setdefault(key, []).append((ad, fact))
        for facts in groups.values():
            ad = facts[0][0]
            if not query.breakdowns:
                found.append(Row(ad.account, ad, since, until, added([fact for _, fact in facts]), {}))
                continue
            # Each ad's day is split on its own, so that a breakdown adds up however it is cut, at every level.
            parts: dict[tuple[str, ...], list[Fact]] = {}
            for one, fact in facts:
                for values, part in split(fact, query.breakdowns, one.id, world.roll):
                    parts.setdefault(values, []).append(part)
            for values, pieces in parts.items():
                # A part without an impression may hold a cent of its ad's spend: dropped, the parts would not add up.
                if any(piece != NOTHING for piece in pieces):
                    named = dict(zip(query.breakdowns, values, strict=True))
                    found.append(Row(ad.account, ad, since, until, added(pieces), named))
    return found


def rendered(row: Row, query: Query) -> dict[str, Any]:
    """The row as Meta writes it: numbers as strings, what has no value is absent."""
    depth = LEVELS.index(query.level)
    shown: dict[str, Any] = {}
    for name in query.fields:
        if FIELD_DEPTH.get(name, 0) > depth:
            continue
        value = FIELDS[name](row, query)
        if value is not None and value != []:
            shown[name] = value
    shown.update(row.values)
    shown["date_start"], shown["date_stop"] = row.since.isoformat(), row.until.isoformat()
    return shown


def _ratio(top: int, bottom: int, times: int = 1) -> str | None:
    if not bottom:
        return None
    return str((Decimal(top) * times / Decimal(bottom)).quantize(_SIX, ROUND_HALF_UP))


def _rate(top: int, bottom: int) -> str | None:
    """Money per thing, from millionths."""
    return _ratio(top, bottom * 1_000_000)


def _count(value: int) -> str | None:
    return str(value) if value else None


def _parents(row: Row, index: int, attribute: str) -> str | None:
    if row.ad is None:
        return None
    entity = [*row.ad.parents, row.ad][index]
    return str(getattr(entity, attribute))


def _action(kind: str, value: int, query: Query, write: Callable[[int], str] = str) -> dict[str, str] | None:
    if not value:
        return None
    action = {"action_type": kind, "value": write(value)}
    view = value // 5 if kind != "link_click" else 0
    per_window = {"1d_view": view, "1d_click": (value - view) * 7 // 10, "7d_click": value - view,
                  "28d_click": value - view, "1d_ev": 0}
    for window in query.windows:
        if per_window.get(window):
            action[window] = write(per_window[window])
    return action


_PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


def _actions(row: Row, query: Query) -> list[dict[str, str]]:
    found = [_action("link_click", row.fact.link_clicks, query)]
    found += [_action(kind, row.fact.purchases, query) for kind in _PURCHASES]
    return [action for action in found if action]


def _action_values(row: Row, query: Query) -> list[dict[str, str]]:
    found = [_action(kind, row.fact.value, query, money) for kind in _PURCHASES]
    return [action for action in found if action]


def _roas(row: Row, _: Query) -> list[dict[str, str]]:
    value = _ratio(row.fact.value, row.fact.spend) if row.fact.value else None
    return [{"action_type": "omni_purchase", "value": value}] if value else []


FIELD_DEPTH = {
    "campaign_id": 1, "campaign_name": 1, "objective": 1, "adset_id": 2, "adset_name": 2, "ad_id": 3, "ad_name": 3,
}
FIELDS: dict[str, Callable[[Row, Query], Any]] = {
    "account_id": lambda row, _: row.account.id,
    "account_name": lambda row, _: row.account.name,
    "account_currency": lambda row, _: row.account.currency,
    "campaign_id": lambda row, _: _parents(row, 0, "id"),
    "campaign_name": lambda row, _: _parents(row, 0, "name"),
    "objective": lambda row, _: "OUTCOME_SALES",
    "adset_id": lambda row, _: _parents(row, 1, "id"),
    "adset_name": lambda row, _: _parents(row, 1, "name"),
    "ad_id": lambda row, _: _parents(row, 2, "id"),
    "ad_name": lambda row, _: _parents(row, 2, "name"),
    "date_start": lambda row, _: row.since.isoformat(),
    "date_stop": lambda row, _: row.until.isoformat(),
    "attribution_setting": lambda row, _: "7d_click_1d_view",
    "impressions": lambda row, _: str(row.fact.impressions),
    "reach": lambda row, _: str(row.fact.reach),
    "frequency": lambda row, _: _ratio(row.fact.impressions, row.fact.reach),
    "clicks": lambda row, _: str(row.fact.clicks),
    "unique_clicks": lambda row, _: _count(row.fact.clicks * 95 // 100),
    "inline_link_clicks": lambda row, _: _count(row.fact.link_clicks),
    "spend": lambda row, _: money(row.fact.spend),
    "cpc": lambda row, _: _rate(row.fact.spend, row.fact.clicks),
    "cpm": lambda row, _: _ratio(row.fact.spend, row.fact.impressions * 1_000),
    "cpp": lambda row, _: _ratio(row.fact.spend, row.fact.reach * 1_000),
    "ctr": lambda row, _: _ratio(row.fact.clicks, row.fact.impressions, 100),
    "inline_link_click_ctr": lambda row, _: _ratio(row.fact.link_clicks, row.fact.impressions, 100),
    "cost_per_inline_link_click": lambda row, _: _rate(row.fact.spend, row.fact.link_clicks),
    "actions": _actions,
    "action_values": _action_values,
    "purchase_roas": _roas,
}


def summary(found: Sequence[Row], query: Query) -> dict[str, Any]:
    """Totals over the whole result, not the page."""
    if not found:
        return {}
    first = found[0]
    total = Row(first.account, first.ad, query.periods[0][0], query.periods[-1][1], added([r.fact for r in found]), {})
    names = [name for name in query.fields if name not in FIELD_DEPTH]
    return rendered(total, Query(query.ads, query.accounts, "account", query.periods, names, [], query.windows))
