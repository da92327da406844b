"""The calls that change something at Meta, as data; also the calls that change nothing but are POSTs or have a secret
in their query.

A call that is not listed here can't be sent (`gate.py`). Scopes and tasks: docs/graph-api.md §4.6, §5.2, §10–§12."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.request import Surface

_ID, _ACCOUNT, _VERSION = r"[0-9]+", r"act_[0-9]+", r"v[0-9]+\.[0-9]+"
_OBJECT_BUDGETS = ("score", "ads_management")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One kind of change at Meta: its method, a pattern of its paths, its budgets, and its requirements, which are all
    of `scopes`, the `task` (in words) and the `feature` (None for changes that onboarding and leaving need). With
    `needs_plan`, it is sent only with the id of the plan that lists it."""

    for_what: str
    method: Literal["POST", "DELETE"]
    path: str
    task: str
    feature: str | None
    scopes: tuple[str, ...] = ()
    surface: Surface = "graph"
    budgets: tuple[str, ...] = ("platform",)
    needs_plan: bool = False

    @property
    def needs(self) -> str:
        """Return the flag, the scopes and the task that the change requires, as a part of a sentence."""
        flag = f"{self.feature} in META_PIPELINE_FEATURES, " if self.feature else ""
        scopes = f"the permission {' and '.join(self.scopes)} and " if self.scopes else ""
        return f"{flag}{scopes}{self.task}"

    def has_path(self, path: str) -> bool:
        """Return whether a path, without its version, is a path of this kind."""
        return re.fullmatch(self.path, path) is not None


_BUSINESS_TASK = "the task ADMIN of the business (full control)"
_NODE_TASK = "the task MANAGE on the node (full control)"
_PAGE_TASK = "the task CREATE_CONTENT, MANAGE or MODERATE on the Page"
_ADS_TASK = "the task ADVERTISE on the ad account and on the Page"


def _business(
    for_what: str, path: str, *, task: str = _BUSINESS_TASK, method: Literal["POST", "DELETE"] = "POST"
) -> Write:
    return Write(
        for_what=for_what, method=method, path=path, task=task, feature="business_writes",
        scopes=("business_management",),
    )


def _ad(
    for_what: str, path: str, *, method: Literal["POST", "DELETE"] = "POST",
    scopes: tuple[str, ...] = ("ads_management",),
) -> Write:
    return Write(
        for_what=for_what, method=method, path=path, task=_ADS_TASK, feature="ads_creation", scopes=scopes,
        surface="marketing", budgets=_OBJECT_BUDGETS, needs_plan=True,
    )


def _subscription(
    for_what: str, path: str, *, task: str, scopes: tuple[str, ...] = (), method: Literal["POST", "DELETE"] = "POST",
    surface: Surface = "graph",
) -> Write:
    return Write(
        for_what=for_what, method=method, path=path, task=task, feature="webhooks", scopes=scopes, surface=surface,
    )


def _post(for_what: str, path: str, *, method: Literal["POST", "DELETE"] = "POST") -> Write:
    return Write(
        for_what=for_what, method=method, path=path, task="the task CREATE_CONTENT on the Page", feature="publishing",
        scopes=("pages_manage_posts",), budgets=("pages",), needs_plan=True,
    )


def _media(
    for_what: str, path: str, *, method: Literal["POST", "DELETE"] = "POST",
    scopes: tuple[str, ...] = ("instagram_basic", "instagram_content_publish", "pages_read_engagement"),
) -> Write:
    return Write(
        for_what=for_what, method=method, path=path, task="the task CREATE_CONTENT on the Page of the account",
        feature="publishing", scopes=scopes, budgets=("instagram",), needs_plan=True,
    )


class WriteKind(enum.Enum):
    """Every kind of change that the gateway can send."""

    # Leaving: ends a person's consent to the app.
    CONSENT_REVOCATION = Write(
        for_what="ending a consent", method="DELETE", path="me/permissions", task="the person's own token",
        feature=None,
    )
    # System users (docs/graph-api.md §4.5) and shares between businesses (§5.3).
    SYSTEM_USER_CREATION = _business("creating a system user", rf"{_ID}/system_users")
    SYSTEM_USER_ASSIGNMENT = _business(
        "giving a system user tasks on a node", rf"({_ID}|{_ACCOUNT})/assigned_users", task=_NODE_TASK
    )
    APP_INSTALLATION = _business("installing the app for a system user", rf"{_ID}/applications")
    SYSTEM_USER_TOKEN = _business("minting a token of a system user", rf"{_ID}/access_tokens")
    PARTNER_REQUEST = _business("requesting a partner's node", rf"{_ID}/client_(ad_accounts|pages)")
    PARTNER_ACCESS = _business(
        "giving a partner access to a node", rf"({_ID}|{_ACCOUNT})/agencies", task=_NODE_TASK
    )
    PARTNER_REMOVAL = _business(
        "ending a partner's access to a node", rf"({_ID}|{_ACCOUNT})/agencies", task=_NODE_TASK, method="DELETE"
    )
    # Webhooks (§11). Those of the app are sent with the app's own token, which has no scopes.
    APP_SUBSCRIPTION = _subscription(
        "subscribing the app to webhooks", rf"{_ID}/subscriptions", task="the app's own secret (no task)"
    )
    APP_UNSUBSCRIPTION = _subscription(
        "ending a subscription of the app", rf"{_ID}/subscriptions", task="the app's own secret (no task)",
        method="DELETE",
    )
    PAGE_SUBSCRIPTION = _subscription(
        "subscribing to the webhooks of a Page", rf"{_ID}/subscribed_apps", task=_PAGE_TASK,
        scopes=("pages_manage_metadata", "pages_show_list"),
    )
    PAGE_UNSUBSCRIPTION = _subscription(
        "ending the subscription of a Page", rf"{_ID}/subscribed_apps", task=_PAGE_TASK,
        scopes=("pages_manage_metadata", "pages_show_list"), method="DELETE",
    )
    ACCOUNT_SUBSCRIPTION = _subscription(
        "subscribing to the webhooks of an ad account", rf"{_ACCOUNT}/subscribed_apps",
        task="the task MANAGE or ADVERTISE on the ad account", scopes=("ads_management",), surface="marketing",
    )
    ACCOUNT_UNSUBSCRIPTION = _subscription(
        "ending the subscription of an ad account", rf"{_ACCOUNT}/subscribed_apps",
        task="the task MANAGE or ADVERTISE on the ad account", scopes=("ads_management",), method="DELETE",
        surface="marketing",
    )
    # Ads (§10) and publishing (§12), each by a plan.
    AD_CREATION = _ad(
        "creating ads", rf"{_ACCOUNT}/(campaigns|adsets|ads|adcreatives|advideos)",
        scopes=("ads_management", "pages_manage_ads", "pages_read_engagement", "instagram_basic"),
    )
    AD_CHANGE = _ad("changing ads", _ID)
    AD_REMOVAL = _ad("deleting ads", _ID, method="DELETE")
    PAGE_PUBLISHING = _post(
        "publishing on a Page", rf"{_ID}/(feed|photos|videos|video_reels|photo_stories|video_stories)"
    )
    PAGE_UPLOAD = _post("uploading a video of a Page", rf"video-upload/{_VERSION}/{_ID}")
    POST_CHANGE = _post("changing a post of a Page", rf"{_ID}_{_ID}")
    POST_REMOVAL = _post("deleting a post of a Page", rf"{_ID}(_{_ID})?", method="DELETE")
    INSTAGRAM_PUBLISHING = _media("publishing on Instagram", rf"{_ID}/(media|media_publish)")
    INSTAGRAM_UPLOAD = _media("uploading a video for Instagram", rf"ig-api-upload/{_VERSION}/{_ID}")
    MEDIA_REMOVAL = _media(
        "deleting media on Instagram", _ID, method="DELETE",
        scopes=("instagram_basic", "instagram_manage_contents", "pages_read_engagement"),
    )


# POSTs that change nothing, by the kind of call: the submission of a report run.
READING_POSTS: Mapping[CallKind, str] = MappingProxyType({CallKind.INSIGHTS: rf"({_ACCOUNT}|{_ID})/insights"})
# The path of a batch, which holds only GETs.
BATCH_PATH = ""
# GETs of onboarding and leaving whose query holds a secret (docs/graph-api.md §4.1): they inspect, exchange and revoke
# tokens.
OAUTH_PATHS = ("debug_token", "oauth/access_token", "oauth/revoke")


def listed(method: str, path: str) -> WriteKind | str | None:
    """Return the kind of change of a method and a path (without its version), the word "reads" for a call that changes
    nothing, and None for a call that is not listed."""
    if method == "GET" or (method == "POST" and path == BATCH_PATH):
        return "reads"
    if method == "POST" and any(re.fullmatch(pattern, path) for pattern in READING_POSTS.values()):
        return "reads"
    return next((kind for kind in WriteKind if kind.value.method == method and kind.value.has_path(path)), None)
