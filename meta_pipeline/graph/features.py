"""What a call needs before it is sent: a scope of its token, a feature that is switched on. Data and one check.

Scopes: graph-api.md §4.6, §5 (D-PERM). Nothing that Meta would refuse is sent, and nothing is written by accident."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.records import AccessToken, ConfigError


@dataclass(frozen=True, slots=True)
class Need:
    """Calls whose `METHOD path` matches need one of these scopes, and the feature when there is one."""

    calls: re.Pattern[str]
    scopes: tuple[str, ...]
    for_what: str
    feature: str | None = None


NEEDS = (
    # A report run is submitted with POST and reads all the same.
    Need(re.compile(r"(GET|POST) act_\d+/insights$"), ("ads_read", "ads_management"), "ad insights"),
    Need(re.compile(r"GET (act_\d+|me/adaccounts)"), ("ads_read", "ads_management"), "ad accounts and ads"),
    Need(re.compile(r"GET me/accounts"), ("pages_show_list",), "the list of Pages"),
    Need(re.compile(r"GET (me/businesses|\d+/(owned|client)_\w+)"), ("business_management",), "businesses"),
    Need(
        re.compile(r"(POST|DELETE) act_\d+/"), ("ads_management",), "creating and changing ads", feature="ads_creation"
    ),
    Need(
        re.compile(r"POST \d+/(feed|photos|videos|video_reels)"), ("pages_manage_posts",), "publishing on a Page",
        feature="publishing",
    ),
    Need(
        re.compile(r"POST \d+/(media|media_publish)"), ("instagram_content_publish",), "publishing on Instagram",
        feature="publishing",
    ),
    Need(re.compile(r"GET \d+/leads"), ("leads_retrieval",), "leads", feature="leads"),
    Need(
        re.compile(r"GET \d+(_\d+)?/(comments|reactions)"), ("pages_read_user_content",),
        "reactions and comments on posts", feature="post_comments",
    ),
    Need(re.compile(r"POST \d+/subscribed_apps"), ("pages_manage_metadata",), "webhooks", feature="webhooks"),
)
FEATURES = tuple(sorted({need.feature for need in NEEDS if need.feature}))


def checked(features: Collection[str]) -> frozenset[str]:
    """The features themselves; one that does not exist is an error, not a silence."""
    if unknown := set(features) - set(FEATURES):
        raise ConfigError(f"META_PIPELINE_FEATURES names {', '.join(sorted(unknown))}: there are {', '.join(FEATURES)}")
    return frozenset(features)


def check(method: str, path: str, token: AccessToken | None, *, features: Collection[str]) -> None:
    """Refuse, before it is sent, a call that can't or must not succeed; the sentence says what to do."""
    call = f"{method} {path.strip('/')}"
    need = next((need for need in NEEDS if need.calls.match(call)), None)
    if need is None:
        return
    if need.feature and need.feature not in features:
        raise ConfigError(
            f"{need.for_what} is switched off: add {need.feature} to META_PIPELINE_FEATURES to switch it on"
        )
    if token is not None and token.scopes is not None and token.kind != "app" and not token.scopes & set(need.scopes):
        raise ScopeError(
            f"the token lacks the permission {' or '.join(need.scopes)}, which {need.for_what} need; nothing was sent"
        )
