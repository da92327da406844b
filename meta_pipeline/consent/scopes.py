"""Scopes by phase, as data: each names what needs it (graph-api.md §4.6). A scope is asked for only when used."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission string, the phase that asks for it and, in words for people: what it allows (after "permission
    to"), what needs it, and what does not work without it. `kinds`: the nodes that are found only with it; with a
    `feature`, it is requested only while that is on."""

    name: str
    phase: int
    allows: str
    needed_for: str
    without: str
    kinds: tuple[str, ...] = ()
    feature: str | None = None


SCOPES = (
    Scope(
        "ads_read", 1, "read ads and their results", "spend, clicks and conversions of ad accounts",
        "no ad account can be read", ("ad_account",),
    ),
    Scope(
        "pages_show_list", 1, "see the list of Pages", "finding Pages and the Instagram accounts that belong to them",
        "Pages and their Instagram accounts can't be found", ("page", "instagram_account"),
    ),
    Scope(
        "pages_read_engagement", 1, "read the content of Pages", "posts and followers of Pages",
        "posts and followers of Pages can't be read",
    ),
    Scope(
        "read_insights", 1, "read the insights of Pages", "views and interactions of Pages",
        "the figures of Pages stay empty",
    ),
    Scope(
        "instagram_basic", 1, "see Instagram accounts", "profiles and posts on Instagram",
        "Instagram accounts can't be read",
    ),
    Scope(
        "instagram_manage_insights", 1, "read the insights of Instagram accounts",
        "views and interactions on Instagram", "the figures of Instagram accounts can't be read",
    ),
    Scope(
        "pages_read_user_content", 1, "read reactions and comments on posts", "reactions and comments",
        "reactions and comments on posts can't be read", feature="post_comments",
    ),
    Scope(
        "pages_manage_metadata", 1, "be notified of changes on Pages", "immediate updates instead of daily ones",
        "changes on Pages are seen only with the daily read", feature="webhooks",
    ),
    Scope(
        "business_management", 2, "see which business owns what", "the owner of every account, pixels and catalogs",
        "it stays unknown which business owns an account, and pixels and catalogs can't be found",
        ("pixel", "catalog"),
    ),
    Scope(
        "ads_management", 3, "create and change ads", "creating ads", "no ads can be created", feature="ads_creation"
    ),
    Scope(
        "pages_manage_ads", 3, "create ads for Pages", "creating ads for a Page",
        "no ads can be created for a Page", feature="ads_creation",
    ),
    Scope(
        "pages_manage_posts", 3, "publish on Pages", "publishing on a Page",
        "nothing can be published on a Page", feature="publishing",
    ),
    Scope(
        "instagram_content_publish", 3, "publish on Instagram", "publishing on Instagram",
        "nothing can be published on Instagram", feature="publishing",
    ),
    Scope("leads_retrieval", 3, "read leads", "leads from forms", "leads can't be read", feature="leads"),
)
# What a person chooses from.
PHASES = {
    1: "Read ads, Pages and Instagram accounts", 2: "The same, and see which business owns what",
    3: "The same, and write: ads, posts, leads",
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


def scopes_by_name(names: Iterable[str], features: Collection[str] = ()) -> tuple[Scope, ...]:
    """Return the scopes of these names that something switched on needs."""
    given = set(names)
    return tuple(scope for scope in wanted(3, features) if scope.name in given)


def phase_of(granted: Iterable[str]) -> int:
    """The highest phase a token was made for: 2 when it sees businesses, 3 when it writes."""
    have = set(granted)
    return max((scope.phase for scope in SCOPES if scope.name in have), default=1)
