"""What is unusual about this world, off until somebody asks for it: `POST /_sandbox/world`, or a scenario's `world`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.nouns import Account

DRIFT = frozenset(("new_field", "new_action", "new_window", "numbers"))


class ZoneChange(NamedTuple):
    """From `at` on, the account is in `zone`."""

    at: dt.datetime
    zone: ZoneInfo


@dataclass
class Options:
    """The world's peculiarities.

    `absent_breakdowns`: some delivery has no known breakdown value, and its row no such key.
    `timezone_changes`: by account, when it moves and whereto.
    `opted_in`: the accounts that get gated breakdowns (graph-api.md §2.7).
    `drift`: what Meta changes without a word, of `DRIFT`; with `drift_from`, only from that version on.
    `incomplete_creatives`: so many creatives of an account are incomplete; by `incomplete_mode` they `fail` the page
    they stand on, or are `bare`. `thumbnail_days`: how long links to pictures work.
    `is_daily`: whether every ad delivers on every day of its life; some days have nothing otherwise.
    `breakdown_values`: by breakdown, how many of its values occur at most, so that a world has as many rows as wanted.
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

    def configure(self, asked: dict[str, Any]) -> None:
        """Take over what is asked for; the rest stays."""
        known: dict[str, Callable[[Any], Any]] = {
            "absent_breakdowns": bool,
            "timezone_changes": lambda told: {_bare(key): _checked(one) for key, one in told.items()},
            "opted_in": lambda told: frozenset(_bare(one) for one in told),
            "drift": frozenset, "drift_from": str,
            "incomplete_creatives": int, "incomplete_mode": str, "thumbnail_days": float,
            "is_daily": bool,
            "breakdown_values": lambda told: {str(name): _at_least_one(most) for name, most in told.items()},
        }
        if unknown := set(asked) - set(known):
            raise ValueError(f"no such option of the world: {', '.join(sorted(unknown))}")
        if strange := set(asked.get("drift", ())) - DRIFT:
            raise ValueError(f"no such drift: {', '.join(sorted(strange))}")
        for name, value in [(name, known[name](value)) for name, value in asked.items()]:
            setattr(self, name, value)

    def told(self) -> dict[str, Any]:
        """The options as JSON."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(self).items()
        }

    def drift_of(self, version: str) -> frozenset[str]:
        """The drift that a version shows."""
        return self.drift if number_of(version) >= number_of(self.drift_from) else frozenset()

    def zone_change(self, account: Account) -> ZoneChange | None:
        """The account's move, if it has one; a bare day means its beginning on the old calendar."""
        if (change := self.timezone_changes.get(account.id)) is None:
            return None
        at = dt.datetime.fromisoformat(change["at"])
        return ZoneChange(at if at.tzinfo else at.replace(tzinfo=account.zone), ZoneInfo(change["timezone"]))


def number_of(version: str) -> tuple[int, ...]:
    """`v26.0` as numbers that can be compared; nothing is before every version."""
    return tuple(int(part) for part in version.removeprefix("v").split(".") if part)


def _checked(change: dict[str, str]) -> dict[str, str]:
    dt.datetime.fromisoformat(change["at"])
    ZoneInfo(change["timezone"])
    return {"at": change["at"], "timezone": change["timezone"]}


def _at_least_one(most: Any) -> int:
    if (count := int(most)) < 1:
        raise ValueError(f"a breakdown has at least one value, not {most}")
    return count


def _bare(account_id: str) -> str:
    return str(account_id).removeprefix("act_")
