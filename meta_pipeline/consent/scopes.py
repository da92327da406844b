"""Scopes by phase, as data: each names what needs it (graph-api.md §4.6). A scope is asked for only when used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission string, the phase that asks for it and what needs it."""

    name: str
    phase: int
    needed_for: str
    is_default: bool = True


SCOPES = (
    Scope("ads_read", 1, "ad insights and ads, read"),
    Scope("pages_show_list", 1, "the list of Pages"),
    Scope("pages_read_engagement", 1, "Page insights"),
    Scope("read_insights", 1, "Page insights: without it Meta answers 200 with nothing"),
    Scope("instagram_basic", 1, "Instagram accounts"),
    Scope("instagram_manage_insights", 1, "Instagram insights"),
    Scope("pages_read_user_content", 1, "reactions and comments on posts", is_default=False),
    Scope("pages_manage_metadata", 1, "webhooks", is_default=False),
    Scope("business_management", 2, "owner business, partners, system users"),
    Scope("ads_management", 3, "creating ads", is_default=False),
    Scope("pages_manage_ads", 3, "creating ads for a Page", is_default=False),
    Scope("pages_manage_posts", 3, "publishing on a Page", is_default=False),
    Scope("instagram_content_publish", 3, "publishing on Instagram", is_default=False),
    Scope("leads_retrieval", 3, "leads", is_default=False),
)


def scopes_for(phase: int) -> tuple[str, ...]:
    """What is asked for up to and including a phase."""
    return tuple(scope.name for scope in SCOPES if scope.phase <= phase and scope.is_default)


def missing_scopes(granted: Iterable[str], phase: int = 1) -> tuple[Scope, ...]:
    """The scopes of a phase that were not granted, with what will not work."""
    have = set(granted)
    return tuple(
        scope for scope in SCOPES if scope.phase <= phase and scope.is_default and scope.name not in have
    )
