"""The nouns that flow through the house: frozen, without I/O."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal

TokenKind = Literal["user", "page", "system_user", "app"]


class MetaPipelineError(Exception):
    """Base of every error of ours; `str()` is one sentence that says what to do."""

    retryable = False


class ConfigError(MetaPipelineError):
    """A setting is missing or wrong."""


class LandingError(MetaPipelineError):
    """A day could not be put down whole."""


class LoadError(MetaPipelineError):
    """A landed file could not be loaded."""


class VaultError(MetaPipelineError):
    """A token could not be kept or found."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token in plain text: lives only between reveal and the request it signs. `scopes` are what was granted
    with it; None when that is not known."""

    kind: TokenKind
    value: str = field(repr=False)
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TokenRef:
    """A token kept in the vault, safe to log. Times are aware UTC; None means never."""

    id: str
    kind: TokenKind
    subject_id: str
    subject_name: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime | None = None
    data_access_expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of results: each record is the exact bytes of its JSON object."""

    records: tuple[bytes, ...]
    trace_id: str | None
    version: str
    fetched_at: dt.datetime


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A Parquet file of one report, node and day that is in place."""

    report: str
    node_id: str
    day: dt.date
    path: str
    rows: int
    digest: str
    landed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class FailedDay:
    """A (report, node, day) that could not be landed, and the sentence that says why."""

    report: str
    node_id: str
    day: dt.date
    reason: str
