"""Unusual properties of a world, all off by default: `POST /_sandbox/world`, or a scenario's `world`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.world.entities import Account

DRIFT = frozenset(("new_field", "new_action", "new_window", "numbers"))


class ZoneChange(NamedTuple):
    """From `at` on, the account is in `zone`."""

    at: dt.datetime
    zone: ZoneInfo


@dataclass(kw_only=True)
class WorldOptions:
    """The world's options.

    `absent_breakdowns`: some delivery has no value for a breakdown, and its row lacks the key.
    `timezone_changes`: by account id, `at` and the new `timezone`.
    `opted_in`: the accounts that get gated breakdowns (docs/graph-api.md §2.7).
    `drift`: unannounced changes of Meta, of `DRIFT`; with `drift_from`, only from that API version on.
    `incomplete_creatives`: this many creatives of an account are incomplete; by `incomplete_mode` they `fail` the page
    they are on, or are `bare`. `thumbnail_days`: how long links to pictures work.
    `is_daily`: every ad delivers on every day of its life; otherwise some days have no delivery.
    `breakdown_values`: by breakdown, the maximum number of its values, to bound a world's number of rows.
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
}
