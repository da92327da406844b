"""The words and limits of creating ads (docs/graph-api.md §10)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall

OBJECTIVES = (
    "OUTCOME_AWARENESS", "OUTCOME_TRAFFIC", "OUTCOME_ENGAGEMENT", "OUTCOME_LEADS", "OUTCOME_APP_PROMOTION",
    "OUTCOME_SALES",
)
SPECIAL_CATEGORIES = (
    "NONE", "CREDIT", "EMPLOYMENT", "HOUSING", "FINANCIAL_PRODUCTS_SERVICES", "ISSUES_ELECTIONS_POLITICS",
    "ONLINE_GAMBLING_AND_GAMING",
)
CREATED_STATUSES = ("ACTIVE", "PAUSED")
STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED")
POSITIONS: dict[str, tuple[str, ...]] = {
    "facebook_positions": (
        "feed", "right_hand_column", "marketplace", "story", "search", "instream_video", "facebook_reels",
        "facebook_reels_overlay", "profile_feed", "notification",
    ),
    "instagram_positions": (
        "stream", "story", "explore_home", "reels", "profile_feed", "ig_search", "profile_reels",
    ),
    "threads_positions": ("threads_stream",),
    "audience_network_positions": ("classic", "rewarded_video"),
    "messenger_positions": ("sponsored_messages",),
}
PUBLISHERS = ("facebook", "instagram", "threads", "audience_network", "messenger")
ENROLLMENTS = ("OPT_IN", "OPT_OUT")


def invalid(message: str, *, title: str = "Invalid parameter") -> GraphApiError:
    """Return error 100 with a sentence for the person."""
    return GraphApiError("Invalid parameter", 100, user_title=title, user_msg=message, is_transient=False)


def required(call: NodeCall, name: str) -> str:
    """Return a parameter; raise error 100 without it."""
    if not (text := call.request.params.get(name, "")):
        raise GraphApiError(f"(#100) The parameter {name} is required", 100)
    return text


def one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    """Return a word of a list; raise error 100 for any other."""
    if value not in words:
        raise GraphApiError(f"(#100) Param {name} must be one of {{{', '.join(words)}}}", 100)
    return value


def json_object(call: NodeCall, name: str) -> dict[str, Any]:
    """Return a parameter that is a JSON object; raise error 100 for anything else."""
    value = call.request.json_param(name, {})
    if not isinstance(value, dict):
        raise GraphApiError(f"(#100) Param {name} must be a JSON object", 100)
    return value


def boolean(call: NodeCall, name: str) -> bool | None:
    """Return a truth value, None without the parameter."""
    text = call.request.params.get(name)
    return None if text is None else text.lower() in ("true", "1")


def amount(call: NodeCall, name: str) -> int | None:
    """Return an amount in the currency's minor unit, None without the parameter."""
    text = call.request.params.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise GraphApiError(f"(#100) Param {name} must be an integer", 100)
    return int(text)


def is_dry_run(call: NodeCall) -> bool:
    """Return whether the call only validates."""
    return "validate_only" in call.request.list_param("execution_options")
