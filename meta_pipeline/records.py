"""The records that pass from step to step, and the errors that all packages share: frozen, without I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

TokenKind = Literal["user", "page", "system_user", "app"]
# The day of rows that belong to a node but to no day: listings land under it.
SNAPSHOT_DAY = dt.date(1970, 1, 1)


class MetaPipelineError(Exception):
    """Base of all our errors; `str()` is one sentence that says what to do."""

    retryable = False


class ConfigError(MetaPipelineError):
    """A setting is missing or wrong."""


class StoreError(MetaPipelineError):
    """A file or server that stores state can't be read or written."""


class LandingError(MetaPipelineError):
    """A day could not be written."""


class LoadError(MetaPipelineError):
    """A landed file could not be loaded."""


class VaultError(MetaPipelineError):
    """A token could not be stored or found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token in plain text, which exists only between its reveal and the request it signs. `scopes` were
    granted with it, None when unknown; `ref` is its id in the vault, None before it is stored."""

    kind: TokenKind
    value: str = field(repr=False)
    scopes: frozenset[str] | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class App:
    """The Meta app, to which the tokens belong."""

    id: str
    secret: str = field(repr=False)

    @property
    def token(self) -> str:
        """Return the app's own access token."""
        return f"{self.id}|{self.secret}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRef:
    """A token in the vault, safe to log. Times are aware UTC; None means never. `parent_ref`: the person's token from
    which this Page token was fetched; `retired_subcode`: the subcode of Meta's error 190 that retired it, if any;
    `replaced_by`: a newer token of the same system user; this one works until it expires."""

    id: str
    kind: TokenKind
    subject_id: str
    subject_name: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime | None = None
    data_access_expires_at: dt.datetime | None = None
    parent_ref: str | None = None
    kept_at: dt.datetime | None = None
    inspected_at: dt.datetime | None = None
    retired_at: dt.datetime | None = None
    retired_because: str | None = None
    retired_subcode: int | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The scopes that a person (or a business, through a system user) consented to, and those declined. `phase`: of the
    request, 0 for a token that was added without a login; `through`: who added it, and how."""

    token_ref: str
    subject_id: str
    subject_name: str
    phase: int
    requested: tuple[str, ...]
    granted: tuple[str, ...]
    declined: tuple[str, ...]
    through: str
    granted_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLink:
    """A node that a token may read. `id` is as Graph writes it (`act_…` for ad accounts)."""

    kind: str
    id: str
    name: str
    access: Literal["owned", "partner", "unknown"]
    owner_business: str | None
    tasks: tuple[str, ...]
    timezone: str | None
    currency: str | None
    token_ref: str
    related: tuple[dict[str, Any], ...] = ()
    owner_business_id: str | None = None

    @property
    def owner(self) -> str | None:
        """Return the id of the business that owns the node, or its name if only that is known."""
        return self.owner_business_id or self.owner_business

    @property
    def zone(self) -> ZoneInfo:
        """Return the node's time zone; UTC for a node that has none."""
        return ZoneInfo(self.timezone or "UTC")

    def today(self, now: dt.datetime) -> dt.date:
        """Return the date at `now` (aware) on the node's calendar."""
        return now.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One page of results: each record is the exact bytes of its JSON object; `body`: the whole page, if there is one.
    If only a part of each record was requested, `rows` has the parts, and `records` is empty."""

    records: Sequence[bytes]
    trace_id: str | None
    version: str
    fetched_at: dt.datetime
    body: bytes | None = field(default=None, repr=False)
    rows: Sequence[Any] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """A Parquet file of one report, node and day that is in place."""

    report: str
    node_id: str
    day: dt.date
    path: str
    rows: int
    digest: str
    landed_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDay:
    """A (report, node, day) that could not be landed, and the reason as a sentence. `is_refused`: this token may not
    read it, another one might."""

    report: str
    node_id: str
    day: dt.date
    reason: str
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change that Meta reported in a webhook. `value`: only ids, verbs and figures of its value, never a name or a
    text; `value_digest`: a keyed digest of the whole value, so that another value is another change."""

    value: dict[str, Any] = field(default_factory=dict)
    object: str
    entry_id: str
    field: str
    time: int
    value_digest: str
