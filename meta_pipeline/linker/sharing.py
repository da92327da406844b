"""Decide what a poll of a request for a partner's node means, and when to poll again. No I/O, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.store.nodes.share_requests import ShareRequest, State

FIRST_CHECK, LONGEST_WAIT = dt.timedelta(minutes=5), dt.timedelta(hours=12)
LIFE = dt.timedelta(days=30)  # a request without an answer by then has lapsed
# The words of Meta's pages for kinds of nodes, and for tasks (docs/graph-api.md §5.2).
_PLACES = {"ad_account": "Accounts → Ad accounts", "page": "Accounts → Pages"}
_WORDS = {
    "ANALYZE": "View performance", "ADVERTISE": "Manage campaigns", "CREATE_CONTENT": "Create content",
    "MANAGE": "Full control",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The facts that Meta lists about a requested node. `tasks`: our tasks on a shared node, None when Meta does not
    name them, empty when we have no role on it; `has_identity`: an Instagram account is assigned to a shared ad
    account, None when that was not read; `failed`: why something could not be read."""

    is_pending: bool = False
    is_shared: bool = False
    tasks: tuple[str, ...] | None = None
    has_identity: bool | None = None
    failed: str | None = None


def wait_before(checks: int) -> dt.timedelta:
    """Return how long to wait after this many polls: twice as long each time, up to half a day."""
    return min(LONGEST_WAIT, FIRST_CHECK * (1 << min(checks, 20)))


def verdict(request: ShareRequest, listing: Listing, *, now: dt.datetime) -> tuple[State, str]:
    """Return the state of a request after a poll, and a sentence with what to click."""
    if listing.is_shared:
        return "confirmed", _shared(request, listing)
    if listing.failed is not None and now < request.ends_at:
        return "waiting", f"could not be checked: {listing.failed}; it will be checked again"
    if now >= request.ends_at:
        return "lapsed", f"nobody accepted it within {LIFE.days} days: ask the owner, then request it again"
    if listing.is_pending:
        return "waiting", f"waits for a person with full control of the owner's business: {ACCEPT}"
    if request.was_pending or request.is_sent:
        return "refused", "the owner refused it, or took it back: ask the owner, then request it again"
    return "waiting", f"not shared yet. {owner_steps(request)}"


ACCEPT = "Business settings → Requests → Received → Approve"
ADVERTISE = "ADVERTISE"
HAS_ACCESS = "the partner has access"
WAITS_FOR_OUR_ADMIN = f"an admin of our business has to approve it: {ACCEPT}"


def no_identity(node_id: str) -> str:
    """Return the sentence that no Instagram account is assigned to an ad account, with the clicks that assign one."""
    return (
        f"no Instagram account is assigned to {node_id}, so Meta refuses every ad of it on Instagram (1815199): "
        "Business settings → Accounts → Instagram accounts → the account → Connected assets → Add assets → the ad "
        "account"
    )


def verdict_of_given(
    given: ShareRequest, *, is_shared: bool, failed: str | None, now: dt.datetime
) -> tuple[State, str]:
    """Return the state of our node that a partner should get access to, and a sentence with what to click. `failed`:
    why it could not be read."""
    if is_shared:
        return "confirmed", HAS_ACCESS
    if now >= given.ends_at:
        return "lapsed", f"nobody gave the partner access within {LIFE.days} days: give it again"
    if failed is not None:
        return "waiting", f"could not be checked: {failed}; it will be checked again"
    return "waiting", WAITS_FOR_OUR_ADMIN if given.is_sent else f"not shared yet. {our_steps(given)}"


def our_steps(given: ShareRequest) -> str:
    """Return the clicks with which we share our node by hand."""
    return (
        f"By hand: Business settings → {_PLACES[given.kind]} → {given.node_id} → Assign partner → {given.business_id}, "
        f"and switch on {words(given.tasks)}"
    )


def owner_steps(request: ShareRequest) -> str:
    """Return the clicks with which the owner shares a node without a request."""
    return (
        f"The owner opens Business settings → {_PLACES[request.kind]} → {request.node_id} → Assign partner, enters our "
        f"business id {request.business_id} and switches on {words(request.tasks)}"
    )


def words(tasks: Sequence[str]) -> str:
    """Return tasks with the names that Meta's pages show."""
    return " and ".join(f"“{_WORDS.get(task, task)}” ({task})" for task in tasks)


def _shared(request: ShareRequest, listing: Listing) -> str:
    tasks = listing.tasks
    if tasks == ():
        return (
            "shared with our business, but none of our people has a role on it: Business settings → "
            f"{_PLACES[request.kind]} → {request.node_id} → Assign people, choose the person or system user that is "
            f"connected, and switch on {words(request.tasks)}"
        )
    missing = [task for task in request.tasks if tasks is not None and task not in tasks]
    if missing:
        return (
            f"shared without {words(missing)}: the owner opens Business settings → {_PLACES[request.kind]} → "
            f"{request.node_id} → Partners → our business → Manage, and switches it on"
        )
    if listing.has_identity is False and ADVERTISE in request.tasks:
        return f"shared, but {no_identity(request.node_id)}"
    return "shared with what is needed" if tasks is not None else "shared; Meta does not say with which tasks"
