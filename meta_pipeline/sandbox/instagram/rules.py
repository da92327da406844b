"""Checks and errors that accounts, media and stories share (docs/graph-api.md §3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from meta_pipeline.sandbox.metrics.lives import is_retired
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.options import WorldOptions

_REMOVED = "impressions"
_INSIGHTS_SCOPES = frozenset(("instagram_basic", "instagram_manage_insights", "pages_read_engagement"))


def check_access(call: NodeCall, page: Page, access: NodeAccess, *, is_insights: bool) -> None:
    """Raise unless the token may read the account: that of a person, a system user or the account's own Page."""
    # A system user that was created here has an Instagram account through its Page.
    node_ids = (page.id,) if call.token.subject_id in access.assigned else (page.id, page.instagram_id)
    user_id = call.token.subject_id
    is_reachable = all(access.is_reachable(node_id, user_id) for node_id in node_ids)
    if not is_reachable or call.token.page_id not in (None, page.id):
        raise unknown_object(call.node_id)
    scopes = _INSIGHTS_SCOPES if is_insights else {"instagram_basic"}
    may_read = all(access.may_read(node_id, user_id) for node_id in node_ids)
    if not scopes <= set(call.token.scopes) or (is_insights and not may_read):
        raise GraphApiError("(#10) Application does not have permission for this action", 10)


def check_names(
    names: list[str], documented: Iterable[str], *, queried: str, options: WorldOptions, now: dt.datetime
) -> None:
    """Raise error 100 without metrics, or with one that is unknown or retired: its position is in the message, its name
    is not. `queried`: what has the metrics, `user` or `media`."""
    if not names:
        raise GraphApiError("(#100) The parameter metric is required.", 100)
    if _REMOVED in names:
        raise GraphApiError(
            f"(#100) Starting from version v22.0 and above, the {_REMOVED} metric is no longer supported for the "
            f"queried {queried}.", 100,
        )
    alive = [name for name in documented if not is_retired(name, options, now)]
    for position, name in enumerate(names):
        if name not in alive:
            raise GraphApiError(
                f"(#100) metric[{position}] must be one of the following values: {', '.join(alive)}", 100
            )


def check_value(name: str, value: str, values: Collection[str]) -> None:
    """Raise error 100 unless a parameter has one of the values."""
    if value not in values:
        raise GraphApiError(f"(#100) {name} must be one of the following values: {', '.join(values)}", 100)


def unknown_error() -> GraphApiError:
    """Return error 1: Instagram's answer to a breakdown that a metric does not have."""
    return GraphApiError("An unknown error has occurred.", 1, status=500)
