"""Started shares of nodes between businesses: nodes of partners that we request (`in`), and our nodes that partners use
(`out`)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.nodes import share_requests
from meta_pipeline.store.upserts import insert_or_replace

# `waiting`: for the owner; `confirmed`: shared; `refused`: no longer pending and not shared; `lapsed`: not answered in
# time; `taken_back`: the owner has ended it.
State = Literal["waiting", "confirmed", "refused", "lapsed", "taken_back"]
Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRequest:
    """A share of a node with a business. `business_id`: ours for `in`, the partner's for `out`; `is_sent`: Meta has the
    request, otherwise a person must make it; `was_pending`: Meta has listed it as pending; `checks`: how often it was
    polled; `sentence`: its status and what to click."""

    node_id: str
    business_id: str
    direction: Direction
    kind: str
    tasks: tuple[str, ...]
    is_sent: bool
    state: State
    sentence: str
    requested_at: dt.datetime
    ends_at: dt.datetime
    checks: int = 0
    was_pending: bool = False
    checked_at: dt.datetime | None = None
    next_check_at: dt.datetime | None = None


def save(engine: sa.Engine, request: ShareRequest) -> None:
    """Insert a request, or replace the one of the same node, business and direction."""
    row = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    insert_or_replace(engine, share_requests, [{**row, "tasks": list(request.tasks)}])


def find_all(engine: sa.Engine) -> list[ShareRequest]:
    """Return every request, oldest first."""
    query = sa.select(share_requests).order_by(share_requests.c.requested_at, share_requests.c.node_id)
    with engine.connect() as connection:
        return [_request(row) for row in connection.execute(query)]


def find_due(engine: sa.Engine, *, now: dt.datetime) -> list[ShareRequest]:
    """Return the requests that wait for the owner and are due to be polled."""
    return [
        request for request in find_all(engine)
        if request.state == "waiting" and request.next_check_at is not None and request.next_check_at <= now
    ]


def _request(row: sa.Row[Any]) -> ShareRequest:
    return ShareRequest(**{**row._mapping, "tasks": tuple(row.tasks)})
