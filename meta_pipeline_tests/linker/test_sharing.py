"""The verdict of a poll of a share request, and when the next poll is due."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from meta_pipeline.linker.sharing import FIRST_CHECK, LIFE, LONGEST_WAIT, Listing, verdict, wait_before
from meta_pipeline.store.nodes.share_requests import ShareRequest

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def request(**facts: Any) -> ShareRequest:
    return ShareRequest(**{
        "node_id": "act_5", "business_id": "500", "direction": "in", "kind": "ad_account", "tasks": ("ANALYZE", "ADVERTISE"),
        "is_sent": True, "state": "waiting", "sentence": "", "requested_at": NOW, "ends_at": NOW + LIFE, **facts,
    })


@pytest.mark.parametrize(("facts", "listing", "after", "state", "sentence"), [
    ({}, {"is_pending": True}, dt.timedelta(0), "waiting", "Requests → Received → Approve"),
    ({}, {"is_shared": True, "tasks": ("ADVERTISE", "ANALYZE", "DRAFT")}, dt.timedelta(0), "confirmed", "with what is needed"),
    ({}, {"is_shared": True, "tasks": None}, dt.timedelta(0), "confirmed", "does not say with which tasks"),
    ({}, {"is_shared": True, "tasks": ("ANALYZE",)}, dt.timedelta(0), "confirmed", "without “Manage campaigns” (ADVERTISE)"),
    ({}, {"is_shared": True, "tasks": ()}, dt.timedelta(0), "confirmed", "Assign people"),
    ({}, {"is_shared": True, "tasks": ()}, LIFE, "confirmed", "Assign people"),
    ({}, {}, dt.timedelta(0), "refused", "the owner refused it"),
    ({"is_sent": False, "was_pending": True}, {}, dt.timedelta(0), "refused", "the owner refused it"),
    ({"is_sent": False}, {}, dt.timedelta(0), "waiting", "enters our business id 500 and switches on “View performance” (ANALYZE)"),
    ({"is_sent": False}, {}, LIFE, "lapsed", "nobody accepted it within 30 days"),
    ({}, {"is_pending": True}, LIFE, "lapsed", "request it again"),
    ({}, {"failed": "client_pages: (2) trouble"}, dt.timedelta(0), "waiting", "could not be checked: client_pages: (2) trouble"),
    ({}, {"failed": "x", "is_shared": True, "tasks": ("ANALYZE", "ADVERTISE")}, dt.timedelta(0), "confirmed", "what is needed"),
    ({}, {"failed": "x"}, LIFE, "lapsed", "nobody accepted it"),
])
def test_every_listing_has_one_verdict_and_names_the_next_click(
    facts: dict[str, Any], listing: dict[str, Any], after: dt.timedelta, state: str, sentence: str
) -> None:
    decided, text = verdict(request(**facts), Listing(**listing), now=NOW + after)

    assert decided == state and sentence in text


def test_the_time_between_polls_grows_up_to_half_a_day() -> None:
    waits = [wait_before(checks) for checks in range(12)]

    assert waits[:3] == [FIRST_CHECK, 2 * FIRST_CHECK, 4 * FIRST_CHECK] and waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT == wait_before(10**6)
