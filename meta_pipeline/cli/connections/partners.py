"""`partners …`: request nodes of partners, poll the requests, give partners access to ours and take it back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.flows.connections import given_shares
from meta_pipeline.flows.connections import partner_shares as flow
from meta_pipeline.flows.connections.system_users import Admin, admin_of
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.store.nodes import share_requests

COLUMNS = ["node", "direction", "business", "tasks", "state", "sentence", "requested_at", "checked_at", "next_check_at"]


def admin(runtime: Runtime, business_id: str | None, *writes: WriteKind) -> Admin:
    """Return our business and the token that administers it. Raise ConfigError if one of the changes is not enabled."""
    return admin_of(business_id, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, writes=writes)


def shares(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every share that was started here."""
    return COLUMNS, [
        (each.node_id, each.direction, each.business_id, ", ".join(each.tasks), each.state, each.sentence,
         each.requested_at, each.checked_at, each.next_check_at)
        for each in share_requests.find_all(runtime.engine)
    ]


def request(runtime: Runtime, node_id: str, tasks: Sequence[str], business_id: str | None) -> str:
    """Request a partner's node; return a sentence that says what to do next."""
    wanted = flow.request(
        node_id, tasks=tasks, admin=admin(runtime, business_id, WriteKind.PARTNER_REQUEST), engine=runtime.engine,
        now=runtime.now(),
    )
    return f"{node_id}: {wanted.sentence}"


def check(runtime: Runtime) -> list[str]:
    """Poll every share that waits, whether it is due or not; return a sentence for each."""
    waiting = [each for each in share_requests.find_all(runtime.engine) if each.state == "waiting"]
    return [
        f"{each.node_id}: {polled.state}; {polled.sentence}"
        for each in waiting
        for polled in [flow.poll_any(
            each, admin_of=functools.partial(admin, runtime), page_token_of=runtime.page_token_of,
            engine=runtime.engine, now=runtime.now(),
        )]
    ]


def give(runtime: Runtime, node_id: str, partner_id: str, tasks: Sequence[str], business_id: str | None) -> str:
    """Give a partner tasks on one of our nodes."""
    given = given_shares.give(
        node_id, partner_id, tasks=tasks, admin=admin(runtime, business_id, WriteKind.PARTNER_ACCESS),
        engine=runtime.engine, now=runtime.now(), page_token=runtime.page_token_of(node_id),
    )
    return f"{node_id}: {given.sentence}"


def take_back(runtime: Runtime, node_id: str, partner_id: str, business_id: str | None) -> str:
    """End a partner's access to one of our nodes."""
    ended = given_shares.take_back(
        node_id, partner_id, admin=admin(runtime, business_id, WriteKind.PARTNER_REMOVAL), engine=runtime.engine,
        now=runtime.now(), page_token=runtime.page_token_of(node_id),
    )
    return f"{node_id}: {ended.sentence}"
