"""Share our nodes with partners, poll until they have access, and take the access back (docs/graph-api.md §5.3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.flows.connections.system_users import Admin, checked_id
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import RequestError, ScopeError, TransientError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.linker.directions import partner_in
from meta_pipeline.linker.sharing import (
    HAS_ACCESS,
    LIFE,
    WAITS_FOR_OUR_ADMIN,
    our_steps,
    verdict_of_given,
    wait_before,
)
from meta_pipeline.records import AccessToken
from meta_pipeline.store.nodes import share_requests
from meta_pipeline.store.nodes.share_requests import ShareRequest


def give(
    node_id: str,
    partner_id: str,
    *,
    tasks: Sequence[str],
    admin: Admin,
    engine: sa.Engine,
    now: dt.datetime,
    page_token: AccessToken | None = None,
) -> ShareRequest:
    """Give a partner tasks on one of our nodes; a Page needs its own token. If Meta refuses, the returned sentence says
    how to do it by hand."""
    kind = "ad_account" if checked_id(node_id).startswith("act_") else "page"
    given = ShareRequest(
        node_id=node_id, business_id=checked_id(partner_id), direction="out", kind=kind, tasks=tuple(tasks),
        is_sent=True, state="confirmed", sentence=HAS_ACCESS, requested_at=now, ends_at=now + LIFE,
    )
    waiting = dataclasses.replace(given, state="waiting", next_check_at=now + wait_before(0))
    try:
        params = {"business": partner_id, "permitted_tasks": list(tasks)}
        token = page_token or admin.token
        answer = admin.graph.write(WriteKind.PARTNER_ACCESS, f"{node_id}/agencies", params, token=token).object
        if answer.get("requires_admin_approval"):
            given = dataclasses.replace(waiting, sentence=WAITS_FOR_OUR_ADMIN)
    except (ScopeError, RequestError) as error:
        given = dataclasses.replace(
            waiting, is_sent=False, sentence=f"Meta does not let this app share it: {error.reason}. {our_steps(given)}"
        )
    share_requests.save(engine, given)
    return given


def take_back(
    node_id: str,
    partner_id: str,
    *,
    admin: Admin,
    engine: sa.Engine,
    now: dt.datetime,
    page_token: AccessToken | None = None,
) -> ShareRequest:
    """End a partner's access to one of our nodes; a Page needs its own token. If Meta refuses, the share keeps its
    state, and its sentence says how to end it by hand."""
    of_partners = {
        (each.node_id, each.business_id): each for each in share_requests.find_all(engine) if each.direction == "out"
    }
    kind = "ad_account" if checked_id(node_id).startswith("act_") else "page"
    given = of_partners.get((node_id, checked_id(partner_id))) or ShareRequest(
        node_id=node_id, business_id=partner_id, direction="out", kind=kind, tasks=(), is_sent=False,
        state="confirmed", sentence="", requested_at=now, ends_at=now + LIFE,
    )
    try:
        admin.graph.write(
            WriteKind.PARTNER_REMOVAL, f"{node_id}/agencies", {"business": partner_id},
            token=page_token or admin.token,
        )
        ended = dataclasses.replace(given, state="taken_back", sentence="the partner no longer has access")
    except (ScopeError, RequestError) as error:
        ended = dataclasses.replace(
            given, sentence=f"Meta does not let this app take it back: {error.reason}. By hand: Business settings → "
            f"the node → Partners → {partner_id} → Remove",
        )
    if ended.state == "taken_back":
        ended = dataclasses.replace(ended, next_check_at=None)
    share_requests.save(engine, dataclasses.replace(ended, checked_at=now))
    return ended


def poll(
    given: ShareRequest, *, admin: Admin, page_token: AccessToken | None, engine: sa.Engine, now: dt.datetime
) -> ShareRequest:
    """Ask Meta whether the partner has access by now, and record it with the time of the next poll."""
    is_shared, failed = False, None
    try:
        for batch in admin.graph.batches(
            f"{given.node_id}/agencies", {"fields": ["id"], "limit": 100}, token=page_token or admin.token,
            kind=CallKind.BUSINESSES,
        ):
            is_shared = is_shared or any(partner_in(record) == given.business_id for record in batch.records)
    except (ScopeError, RequestError, TransientError) as error:
        failed = str(error)
    state, sentence = verdict_of_given(given, is_shared=is_shared, failed=failed, now=now)
    polled = dataclasses.replace(
        given, state=state, sentence=sentence, checks=given.checks + 1, checked_at=now,
        next_check_at=now + wait_before(given.checks + 1) if state == "waiting" else None,
    )
    share_requests.save(engine, polled)
    return polled
