"""Unusual properties of a world, all off by default: `POST /_sandbox/world`, or a scenario's `world`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.world.entities import Account

DRIFT = frozenset(("new_field", "new_action", "new_window", "numbers"))

METRIC_NODES = ("page", "post", "instagram_account", "media", "story")


class ZoneChange(NamedTuple):
    """From `at` on, the account is in `zone`."""

    at: dt.datetime
    zone: ZoneInfo


@dataclass(kw_only=True)
class WorldOptions:
    """The world's options.

    `absent_breakdowns`: some delivery has no value for a breakdown, and its row lacks the key.
    `timezone_changes`: by account id, `at` and the new `timezone`.
    `opted_in`: the accounts that receive gated breakdowns (docs/graph-api.md §2.7).
    `drift`: unannounced changes of Meta, of `DRIFT`; with `drift_from`, only from that API version on.
    `incomplete_creatives`: this many creatives of an account are incomplete; by `incomplete_mode` they `fail` the page
    they are on, or are `bare`. `thumbnail_days`: how long links to pictures work.
    `is_daily`: every ad delivers on every day of its life; otherwise some days have no delivery.
    `breakdown_values`: by breakdown, the maximum number of its values, to bound a world's number of rows.
    `retired_metrics`: by metric of a Page, post, Instagram account, media or story, the instant from which it is dead.
    `new_metrics`: by name, metrics that Meta's reference does not have yet: `on` (one of `METRIC_NODES`), `average`.
    `page_late_days`: this many of the latest finished Pacific days of Page insights are absent, 0 or incomplete.
    `instagram_late_hours`: the values of an Instagram account's day are absent until this long after the day's end.
    `small_pages`, `small_instagram`: the ids of Pages and Instagram accounts with too few followers for insights.
    `posts_per_page`, `media_per_account`: how many are published in two years; `stories_per_day`: of an account;
    `conversations_per_page`: on each platform, in two years; `leads_per_page`: in two years; `refused_leads`: the ids
    of forms, and of Pages, whose leads the Leads Access Manager refuses.
    """

    absent_breakdowns: bool = False
    timezone_changes: dict[str, dict[str, str]] = field(default_factory=dict)
    opted_in: frozenset[str] = frozenset()
    drift: frozenset[str] = frozenset()
    drift_from: str = ""
    incomplete_creatives: int = 0
    incomplete_mode: str = "fail"
    thumbnail_days: float = 3.0
    is_daily: bool = False
    breakdown_values: dict[str, int] = field(default_factory=dict)
    retired_metrics: dict[str, str] = field(default_factory=dict)
    new_metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    page_late_days: int = 0
    instagram_late_hours: float = 0.0
    small_pages: frozenset[str] = frozenset()
    small_instagram: frozenset[str] = frozenset()
    posts_per_page: int = 60
    media_per_account: int = 120
    stories_per_day: int = 2
    conversations_per_page: int = 40
    leads_per_page: int = 240
    refused_leads: frozenset[str] = frozenset()

    def configure(self, changes: dict[str, Any]) -> None:
        """Set the given options and leave the others; raise ValueError, before any change, for an invalid one."""
        if unknown := set(changes) - set(_PARSERS):
            raise ValueError(f"no such option of the world: {', '.join(sorted(unknown))}")
        if strange := set(changes.get("drift", ())) - DRIFT:
            raise ValueError(f"no such drift: {', '.join(sorted(strange))}")
        for name, value in [(name, _PARSERS[name](value)) for name, value in changes.items()]:
            setattr(self, name, value)

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(self).items()
        }

    def zone_change(self, account: Account) -> ZoneChange | None:
        """Return the account's change of time zone, if it has one; a bare day means its start on the old calendar."""
        if (change := self.timezone_changes.get(account.id)) is None:
            return None
        at = dt.datetime.fromisoformat(change["at"])
        return ZoneChange(at if at.tzinfo else at.replace(tzinfo=account.zone), ZoneInfo(change["timezone"]))


def _zone_change(change: dict[str, str]) -> dict[str, str]:
    dt.datetime.fromisoformat(change["at"])
    ZoneInfo(change["timezone"])
    return {"at": change["at"], "timezone": change["timezone"]}


def _value_count(value: Any) -> int:
    if (count := int(value)) < 1:
        raise ValueError(f"a breakdown has at least one value, not {value}")
    return count


def _instant(text: Any) -> str:
    """Return an ISO instant with its offset; one without an offset is UTC."""
    at = dt.datetime.fromisoformat(str(text))
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).isoformat()


def _new_metric(metric: dict[str, Any]) -> dict[str, Any]:
    if metric["on"] not in METRIC_NODES:
        raise ValueError(f"a metric is on one of {', '.join(METRIC_NODES)}, not on {metric['on']}")
    return {"on": str(metric["on"]), "average": int(metric["average"])}


def _count(value: Any) -> int:
    if (count := int(value)) < 0:
        raise ValueError(f"a number of days or posts is not negative: {value}")
    return count


def _ids(node_ids: Any) -> frozenset[str]:
    return frozenset(str(node_id) for node_id in node_ids)


def _digits(account_id: str) -> str:
    return str(account_id).removeprefix("act_")


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "absent_breakdowns": bool,
    "timezone_changes": lambda changes: {_digits(key): _zone_change(change) for key, change in changes.items()},
    "opted_in": lambda account_ids: frozenset(_digits(account_id) for account_id in account_ids),
    "drift": frozenset,
    "drift_from": str,
    "incomplete_creatives": int,
    "incomplete_mode": str,
    "thumbnail_days": float,
    "is_daily": bool,
    "breakdown_values": lambda counts: {str(name): _value_count(count) for name, count in counts.items()},
    "retired_metrics": lambda instants: {str(name): _instant(at) for name, at in instants.items()},
    "new_metrics": lambda metrics: {str(name): _new_metric(metric) for name, metric in metrics.items()},
    "page_late_days": _count,
    "instagram_late_hours": float,
    "small_pages": _ids,
    "small_instagram": _ids,
    "posts_per_page": _count,
    "media_per_account": _count,
    "stories_per_day": _count,
    "conversations_per_page": _count,
    "leads_per_page": _count,
    "refused_leads": _ids,
}
