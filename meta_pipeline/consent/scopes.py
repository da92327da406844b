"""The scopes by phase, as data, each with its use (docs/graph-api.md §4.6). A scope is requested only when used."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from meta_pipeline.records import Grant, TokenRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A permission string, the phase that requests it and, in words for people: what it allows (after "permission to"),
    what needs it, and what does not work without it. `kinds`: the kinds of nodes that are discovered only with it;
    `reads`: the kinds whose reports lack something without it; with `features`, it is requested only while one of them
    is switched on."""

    name: str
    phase: int
    allows: str
    needed_for: str
    without: str
    kinds: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def is_enabled(self, features: Collection[str]) -> bool:
        """Return whether the scope needs no feature, or one of its features is switched on."""
        return not self.features or any(feature in features for feature in self.features)


SCOPES = (
    Scope(
        name="ads_read", phase=1, allows="read ads and their results",
        needed_for="spend, clicks and conversions of ad accounts", without="no ad account can be read",
        kinds=("ad_account",),
    ),
    Scope(
        name="pages_show_list", phase=1, allows="see the list of Pages",
        needed_for="finding Pages and the Instagram accounts that belong to them",
        without="Pages and their Instagram accounts can't be found", kinds=("page", "instagram_account"),
    ),
    Scope(
        name="pages_read_engagement", phase=1, allows="read the content of Pages",
        needed_for="posts and followers of Pages", without="posts and followers of Pages can't be read",
        reads=("page", "instagram_account"),
    ),
    Scope(
        name="read_insights", phase=1, allows="read the insights of Pages",
        needed_for="views and interactions of Pages", without="the figures of Pages stay empty",
        reads=("page",),
    ),
    Scope(
        name="instagram_basic", phase=1, allows="see Instagram accounts", needed_for="profiles and posts on Instagram",
        without="Instagram accounts can't be read", reads=("instagram_account",),
    ),
    Scope(
        name="instagram_manage_insights", phase=1, allows="read the insights of Instagram accounts",
        needed_for="views and interactions on Instagram", without="the figures of Instagram accounts can't be read",
        reads=("instagram_account",),
    ),
    Scope(
        name="pages_read_user_content", phase=1, allows="read reactions and comments on posts",
        needed_for="reactions and comments", without="reactions and comments on posts can't be read",
        features=("post_comments",),
    ),
    Scope(
        name="pages_manage_metadata", phase=1, allows="be notified of changes on Pages",
        needed_for="immediate updates instead of daily ones",
        without="changes on Pages are seen only with the daily read, and no conversations can be read",
        features=("webhooks", "conversations"),
    ),
    Scope(
        name="business_management", phase=2, allows="see which business owns what",
        needed_for="the owner of every account, pixels and catalogs",
        without="it stays unknown which business owns an account, and pixels and catalogs can't be found",
        kinds=("pixel", "catalog"),
    ),
    Scope(
        name="ads_management", phase=3, allows="create and change ads", needed_for="creating ads, and leads",
        without="no ads can be created, and leads can't be read", features=("ads_creation", "leads"),
    ),
    Scope(
        name="pages_manage_ads", phase=3, allows="create ads for Pages", needed_for="ads for a Page, and leads",
        without="no ads can be created for a Page, and leads can't be read", features=("ads_creation", "leads"),
    ),
    Scope(
        name="pages_manage_posts", phase=3, allows="publish on Pages", needed_for="publishing on a Page",
        without="nothing can be published on a Page", features=("publishing",),
    ),
    Scope(
        name="instagram_content_publish", phase=3, allows="publish on Instagram", needed_for="publishing on Instagram",
        without="nothing can be published on Instagram", features=("publishing",),
    ),
    Scope(
        name="leads_retrieval", phase=3, allows="read leads", needed_for="leads from forms",
        without="leads can't be read", features=("leads",),
    ),
    Scope(
        name="pages_messaging", phase=3, allows="read the conversations of Pages", needed_for="conversations of Pages",
        without="conversations of Pages can't be read", features=("conversations",),
    ),
    Scope(
        name="instagram_manage_messages", phase=3, allows="read the conversations on Instagram",
        needed_for="conversations on Instagram", without="conversations on Instagram can't be read",
        features=("conversations",),
    ),
)
# The phases that a person can choose from.
PHASES = {
    1: "Read ads, Pages and Instagram accounts", 2: "The same, and see which business owns what",
    3: "The same, and the features that are switched on: ads, posts, leads, conversations",
}


def enabled_scopes(phase: int, features: Collection[str] = ()) -> tuple[Scope, ...]:
    """Return the scopes up to and including a phase, without those of features that are switched off."""
    return tuple(
        scope for scope in SCOPES if scope.phase <= phase and scope.is_enabled(features)
    )


def scopes_for(phase: int, features: Collection[str] = ()) -> tuple[str, ...]:
    """Return the permission strings that are requested up to and including a phase."""
    return tuple(scope.name for scope in enabled_scopes(phase, features))


def scopes_for_kinds(kinds: Collection[str], features: Collection[str] = ()) -> tuple[Scope, ...]:
    """Return the scopes that reading these kinds of nodes needs, and the one that shows who owns them."""
    return tuple(
        scope for scope in enabled_scopes(2, features)
        if scope.phase == 2 or scope.features or set(kinds) & {*scope.kinds, *scope.reads}
    )


def missing_scopes(granted: Iterable[str], phase: int = 1, features: Collection[str] = ()) -> tuple[Scope, ...]:
    """Return the scopes of a phase that were not granted."""
    names = set(granted)
    return tuple(scope for scope in enabled_scopes(phase, features) if scope.name not in names)


def scopes_by_name(names: Iterable[str], features: Collection[str] = ()) -> tuple[Scope, ...]:
    """Return the scopes with these names, without those of features that are switched off."""
    requested = set(names)
    return tuple(scope for scope in enabled_scopes(3, features) if scope.name in requested)


def phase_of(granted: Iterable[str]) -> int:
    """Return the highest phase that a token's scopes belong to: 2 when it reads businesses, 3 when it writes."""
    names = set(granted)
    return max((scope.phase for scope in SCOPES if scope.name in names), default=1)


def requested_phase(ref: TokenRef, grant: Grant | None) -> int:
    """Return the phase that a person consented to; for a token without a consent here, the phase of its scopes."""
    return grant.phase if grant is not None and grant.phase else phase_of(ref.scopes)
