"""Scopes by phase, as data: each names what needs it (graph-api.md §4.6). A scope is asked for only when used."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission string, the phase that asks for it and what needs it; with a `feature`, only while that is on."""

    name: str
    phase: int
    needed_for: str
    feature: str | None = None


SCOPES = (
    Scope("ads_read", 1, "ad insights and ads, read"),
    Scope("pages_show_list", 1, "the list of Pages"),
    Scope("pages_read_engagement", 1, "Page insights"),
    Scope("read_insights", 1, "Page insights: without it Meta answers 200 with nothing"),
    Scope("instagram_basic", 1, "Instagram accounts"),
    Scope("instagram_manage_insights", 1, "Instagram insights"),
    Scope("pages_read_user_content", 1, "reactions and comments on posts", feature="post_comments"),
    Scope("pages_manage_metadata", 1, "webhooks", feature="webhooks"),
    Scope("business_management", 2, "owner business, partners, system users"),
    Scope("ads_management", 3, "creating ads", feature="ads_creation"),
    Scope("pages_manage_ads", 3, "creating ads for a Page", feature="ads_creation"),
    Scope("pages_manage_posts", 3, "publishing on a Page", feature="publishing"),
    Scope("instagram_content_publish", 3, "publishing on Instagram", feature="publishing"),
    Scope("leads_retrieval", 3, "leads", feature="leads"),
)
# What a person chooses from.
PHASES = {
    1: "Connect", 2: "Connect, and see which business owns what", 3: "Connect for writing: ads, posts, leads",
}


def wanted(phase: int, features: Collection[str] = ()) -> tuple[Scope, ...]:
    """The scopes up to and including a phase that something switched on needs."""
    return tuple(
        scope for scope in SCOPES if scope.phase <= phase and (scope.feature is None or scope.feature in features)
    )


def scopes_for(phase: int, features: Collection[str] = ()) -> tuple[str, ...]:
    """What is asked for up to and including a phase."""
    return tuple(scope.name for scope in wanted(phase, features))


def missing_scopes(granted: Iterable[str], phase: int = 1, features: Collection[str] = ()) -> tuple[Scope, ...]:
    """The scopes of a phase that were not granted, with what will not work."""
    have = set(granted)
    return tuple(scope for scope in wanted(phase, features) if scope.name not in have)


def phase_of(granted: Iterable[str]) -> int:
    """The highest phase a token was made for: 2 when it sees businesses, 3 when it writes."""
    have = set(granted)
    return max((scope.phase for scope in SCOPES if scope.name in have), default=1)
