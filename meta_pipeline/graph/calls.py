"""The kinds of calls that read, as data: their surface, the budgets Meta charges, the permissions and the feature they
need. Those that change something are in `writes.py`.

The path alone is ambiguous: a number may be a report run or an ad. Every call therefore declares its kind, here and
nowhere else. Budgets: docs/graph-api.md §6.1, §6.2 (D-GRL, D-MRL); scopes: §4.6, §5 (D-PERM)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.graph.request import Surface

_ADS = ("ads_read", "ads_management")
# Budgets of the ad account, except `insights_load`, which is the app's.
_INSIGHTS_BUDGETS = ("score", "ads_insights", "insights_load")
_OBJECT_BUDGETS = ("score", "ads_management")
# Budgets of the Page and of the Instagram account (docs/graph-api.md §6.2).
_PAGE_BUDGETS, _INSTAGRAM_BUDGETS = ("pages",), ("instagram",)
_CONVERSATIONS_TASK = "the task MESSAGING or MODERATE on the Page"
_INSTAGRAM = ("instagram_basic", "pages_read_engagement")


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call: its budgets and its requirements, which are one of `scopes`, all of `all_scopes`, and `feature`
    if set. `needs_page_token`: only the Page's own token is sent; `is_personal`: its responses hold data of people, so
    they are not stored as samples; `task`: the task that the node requires, in words."""

    for_what: str
    surface: Surface = "graph"
    budgets: tuple[str, ...] = ("platform",)
    scopes: tuple[str, ...] = ()
    feature: str | None = None
    all_scopes: tuple[str, ...] = ()
    needs_page_token: bool = False
    is_personal: bool = False
    task: str = ""

    @property
    def needs(self) -> str:
        """Return the flag, the permissions and the task that the call requires, as a part of a sentence."""
        scopes = " or ".join(self.scopes) or " and ".join(self.all_scopes)
        flag = f"{self.feature} in META_PIPELINE_FEATURES" if self.feature else ""
        return ", ".join(part for part in (flag, scopes and f"the permission {scopes}", self.task) if part)


class CallKind(enum.Enum):
    """Every kind of call that reads."""

    IDENTITY = Call("who a token belongs to")
    PERMISSIONS = Call("permissions")
    BUSINESSES = Call("businesses", scopes=("business_management",))
    SYSTEM_USERS = Call("system users", scopes=("business_management",))
    PAGES = Call("the list of Pages", scopes=("pages_show_list",))
    # Of a Page or of its posts. With a person's token the call would be charged to the platform budget
    # (docs/graph-api.md §6.2). Without read_insights Meta returns no values and no error (docs/graph-api.md §3.1).
    PAGE_INSIGHTS = Call(
        "Page insights", budgets=_PAGE_BUDGETS, all_scopes=("pages_read_engagement", "read_insights"),
        needs_page_token=True,
    )
    PAGE_POSTS = Call(
        "posts of a Page", budgets=_PAGE_BUDGETS, all_scopes=("pages_read_engagement",), needs_page_token=True
    )
    # An Instagram account, its media and its stories: listed or read by id.
    INSTAGRAM = Call("Instagram accounts and media", budgets=_INSTAGRAM_BUDGETS, all_scopes=_INSTAGRAM)
    INSTAGRAM_INSIGHTS = Call(
        "Instagram insights", budgets=_INSTAGRAM_BUDGETS, all_scopes=(*_INSTAGRAM, "instagram_manage_insights")
    )
    AD_ACCOUNTS = Call("the list of ad accounts", "marketing", scopes=_ADS)
    # An account, its campaigns, ad sets, ads and creatives: listed or read by id.
    AD_OBJECTS = Call("ad accounts and ads", "marketing", _OBJECT_BUDGETS, scopes=_ADS)
    # Fetched synchronously, or submitted with POST as a report run, which only reads as well.
    INSIGHTS = Call("ad insights", "marketing", _INSIGHTS_BUDGETS, _ADS)
    # The status and the results of a report run.
    REPORT_RUN = Call("report runs", "marketing", _INSIGHTS_BUDGETS, _ADS)
    # Forms and leads of a Page, with the Page's own token (docs/graph-api.md §12).
    LEADS = Call(
        "leads", budgets=_PAGE_BUDGETS, feature="leads", needs_page_token=True, is_personal=True,
        task="the task ADVERTISE or MANAGE_LEADS on the Page",
        all_scopes=(
            "leads_retrieval", "ads_management", "pages_manage_ads", "pages_read_engagement", "pages_show_list",
        ),
    )
    PAGE_CONVERSATIONS = Call(
        "conversations of a Page", budgets=_PAGE_BUDGETS, feature="conversations", needs_page_token=True,
        is_personal=True, task=_CONVERSATIONS_TASK,
        all_scopes=("pages_messaging", "pages_manage_metadata", "pages_read_engagement"),
    )
    INSTAGRAM_CONVERSATIONS = Call(
        "conversations on Instagram", budgets=_PAGE_BUDGETS, feature="conversations", needs_page_token=True,
        is_personal=True, task=_CONVERSATIONS_TASK,
        all_scopes=("instagram_basic", "instagram_manage_messages", "pages_manage_metadata"),
    )
    POST_COMMENTS = Call(
        "reactions and comments on posts", scopes=("pages_read_user_content",), feature="post_comments",
        is_personal=True,
    )
    # The subscriptions of the app, of Pages and of ad accounts (docs/graph-api.md §11).
    APP_SUBSCRIPTIONS = Call("subscriptions of the app", feature="webhooks")
    PAGE_SUBSCRIPTIONS = Call(
        "subscriptions of a Page", budgets=_PAGE_BUDGETS, feature="webhooks", needs_page_token=True,
        all_scopes=("pages_manage_metadata", "pages_show_list"),
    )
    ACCOUNT_SUBSCRIPTIONS = Call(
        "subscriptions of an ad account", "marketing", _OBJECT_BUDGETS, ("ads_management",), "webhooks"
    )


@dataclass(frozen=True, slots=True)
class Operation:
    """One GET in a batch."""

    path: str
    params: Mapping[str, Any]
    kind: CallKind
