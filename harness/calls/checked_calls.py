"""Checked calls of the real client against scripted responses: each ends in time, and raises only MetaPipelineError."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.calls.scripted_transport import Clock, Scripted, ScriptedAdapter
from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.http.bounds import CALL_DEADLINE_S
from meta_pipeline.graph.retry import DEADLINE_S, LONGEST_PAUSE_S, TRIES
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, MetaPipelineError

# This many pages of an endless listing are enough; another test checks that a listing ends.
MOST_PAGES = 12
TOKEN, SECRET = AccessToken(kind="user", value="EAABsecret"), "app secret"

CALLS = ("get", "post", "repeatable post", "delete", "oauth", "batches", "batch")


@dataclass
class Outcome:
    """The result of one call: the error's name, the scripted responses, the HTTP calls, and the longest of them in
    virtual seconds.

    `mib`: the most memory that the process has taken so far, 0 where it is not measured."""

    call: str
    error: str
    responses: int
    calls: int
    longest_s: float
    seconds: float
    mib: float = 0.0


def outcome(call: str, script: Sequence[Scripted]) -> Outcome:
    """Make one call; raise any error that is not a MetaPipelineError."""
    clock, events = Clock(), list[AuditEvent]()
    client = GraphClient(
        graph_url="http://graph.test", app_id="1", app_secret=SECRET, graph_version="v24.0", marketing_version="v26.0",
        audit=events.append, sleep=clock.sleep, now=clock.now, clock=clock.monotonic,
        adapter=ScriptedAdapter(script, clock),
    )
    error = "none"
    try:
        for result in _made(client, call):
            if isinstance(result, GraphError):
                error = type(result).__name__
            elif not isinstance(result, str):
                _walked(result)
    except MetaPipelineError as raised:
        error = type(raised).__name__
        if TOKEN.value in str(raised):
            raise AssertionError("an error holds the token") from raised
    for event in events:  # as the audit writes them
        json.dumps(event.usage)
        for number in (event.code, event.subcode, event.status, event.rows):
            if number is not None and not -(2**63) <= number < 2**63:
                raise AssertionError(f"the audit can't keep {number}")
    longest_s = max((event.duration_s for event in events), default=0.0)
    return Outcome(call, error, len(script), len(events), longest_s, clock.seconds)


def _made(client: GraphClient, call: str) -> Iterator[Any]:
    match call:
        case "get":
            yield client.get("me", {"fields": "id"}, token=TOKEN, kind=CallKind.IDENTITY)
        case "post" | "repeatable post":
            yield client.submit(
                "act_1/insights", {"level": "ad"}, token=TOKEN, kind=CallKind.INSIGHTS, is_repeatable=call != "post"
            )
        case "delete":
            yield client.write(WriteKind.CONSENT_REVOCATION, "me/permissions", token=TOKEN)
        case "oauth":
            yield str(client.oauth("debug_token", {"input_token": TOKEN.value}))
        case "batches":
            yield from itertools.islice(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS), MOST_PAGES)
        case "batch":
            operations = [Operation(str(n), {"fields": "id"}, CallKind.AD_OBJECTS) for n in (1, 2)]
            yield from client.batch(operations, token=TOKEN)


def _walked(result: Any) -> None:
    """Use a result as the steps do."""
    if hasattr(result, "records"):
        for record in result.records:
            repr(json.loads(record))
        return
    repr(result.data)
    json.dumps([result.trace_id, result.version])
    reads: tuple[Callable[[], object], ...] = (
        lambda: result.object, lambda: result.rows, lambda: result.page.following())
    for read in reads:
        try:
            read()
        except MetaPipelineError:
            continue


# One call of `get` ends after the tries of `retry.py`, the last of which may begin just before their deadline.
LONGEST_GET_S = DEADLINE_S + CALL_DEADLINE_S + TRIES * LONGEST_PAUSE_S


def check(call: str, script: Sequence[Scripted]) -> Outcome:
    """Make one call and check it against the deadline of a call."""
    checked = outcome(call, script)
    if checked.longest_s > CALL_DEADLINE_S + 1:
        raise AssertionError(f"one HTTP call took {checked.longest_s:.0f} s")
    most = {"batches": (MOST_PAGES + 1) * 2, "batch": TRIES + 1}.get(call, 1) * LONGEST_GET_S
    if checked.seconds > most:
        raise AssertionError(f"{call} took {checked.seconds:.0f} s")
    return checked
