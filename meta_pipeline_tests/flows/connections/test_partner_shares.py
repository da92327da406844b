"""Shares with partners against the sandbox: requested or explained, polled until somebody answers, given and taken
back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import given_shares, partner_shares
from meta_pipeline.flows.connections.system_users import Admin, admin_of
from meta_pipeline.linker.sharing import FIRST_CHECK, LIFE
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.sandbox.control import control
from meta_pipeline.store.nodes import share_requests
from meta_pipeline.store.nodes.share_requests import ShareRequest

PENDING_ACCOUNT, PENDING_PAGE, SHARED_PAGE = "act_1000000801", "3000000000004", "3000000000003"
AROHA, OWN_ACCOUNT = "2000000000002", "act_1000000001"


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    return runtime


def set_shares(runtime: FrozenRuntime, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = control(runtime.graph, "shares", body, {})
    return answer


def admin(runtime: FrozenRuntime) -> Admin:
    return admin_of(None, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine)


def own_token(runtime: FrozenRuntime, node_id: str) -> AccessToken | None:
    return None if node_id.startswith("act_") else runtime.vault.reveal_for(node_id, flow="test")


def request(runtime: FrozenRuntime, node_id: str, *tasks: str) -> ShareRequest:
    return partner_shares.request(
        node_id, tasks=tasks or ("ANALYZE",), admin=admin(runtime), engine=runtime.engine, now=runtime.clock.now())


def tick(runtime: FrozenRuntime) -> list[tuple[str, str]]:
    """Poll the due requests as the sensor does; return the nodes whose state changed, with their new state."""
    changed, problems = partner_shares.poll_due(
        admin_of=lambda _: admin(runtime), page_token_of=lambda id: own_token(runtime, id), engine=runtime.engine, now=runtime.clock.now())
    assert problems == []
    return [(each.node_id, each.state) for each in changed]


def stored(runtime: FrozenRuntime) -> ShareRequest:
    (only,) = share_requests.find_all(runtime.engine)
    return only


def test_an_app_that_may_not_request_explains_the_clicks_and_polls_anyway(runtime: FrozenRuntime) -> None:
    wanted = request(runtime, PENDING_ACCOUNT)

    assert not wanted.is_sent and "(3)" in wanted.sentence and "Assign partner, enters our business id 2000000000001" in wanted.sentence
    assert "`meta-pipeline connect`" not in wanted.sentence  # our access is not what is missing
    assert wanted.next_check_at == runtime.clock.now() + FIRST_CHECK


@pytest.mark.parametrize("node_id", [PENDING_ACCOUNT, PENDING_PAGE])
@pytest.mark.parametrize("allow_listed", [True, False])
def test_a_request_is_polled_until_the_partner_accepts_it(
    runtime: FrozenRuntime, node_id: str, allow_listed: bool
) -> None:
    set_shares(runtime, allow_listed=allow_listed)
    assert request(runtime, node_id).is_sent == allow_listed
    assert tick(runtime) == []  # not due yet
    for _ in range(2):
        runtime.clock.at = stored(runtime).next_check_at or runtime.clock.at
        assert tick(runtime) == [] and stored(runtime).was_pending
    set_shares(runtime, node=node_id, answer="accept")
    assert tick(runtime) == []
    runtime.clock.at = stored(runtime).next_check_at or runtime.clock.at

    assert tick(runtime) == [(node_id, "confirmed")]
    assert (stored(runtime).checks, stored(runtime).next_check_at) == (3, None) and "shared" in stored(runtime).sentence
    assert tick(runtime) == []


def test_fewer_tasks_than_needed_are_named(runtime: FrozenRuntime) -> None:
    request(runtime, PENDING_ACCOUNT, "ANALYZE", "ADVERTISE")
    set_shares(runtime, node=PENDING_ACCOUNT, answer="accept", tasks=["ANALYZE"])
    runtime.clock.at += FIRST_CHECK

    assert tick(runtime) == [(PENDING_ACCOUNT, "confirmed")]
    assert "shared without “Manage campaigns” (ADVERTISE)" in stored(runtime).sentence


@pytest.mark.parametrize(("tasks", "assigned", "is_missed"), [
    (("ANALYZE", "ADVERTISE"), [], True), (("ANALYZE", "ADVERTISE"), ["17841400000000003"], False), (("ANALYZE",), [], False),
])
def test_an_ad_account_for_ads_lacks_an_instagram_account_until_one_is_assigned(
    runtime: FrozenRuntime, tasks: tuple[str, ...], assigned: list[str], is_missed: bool
) -> None:
    request(runtime, PENDING_ACCOUNT, *tasks)
    set_shares(runtime, node=PENDING_ACCOUNT, answer="accept", tasks=list(tasks))
    control(runtime.graph, "identities", {"node": PENDING_ACCOUNT, "instagram_accounts": assigned}, {})
    runtime.clock.at += FIRST_CHECK

    assert tick(runtime) == [(PENDING_ACCOUNT, "confirmed")]
    assert ("1815199" in stored(runtime).sentence and "Connected assets" in stored(runtime).sentence) == is_missed


def test_instagram_accounts_that_cannot_be_read_leave_the_share_confirmed(runtime: FrozenRuntime) -> None:
    request(runtime, PENDING_ACCOUNT, "ANALYZE", "ADVERTISE")
    set_shares(runtime, node=PENDING_ACCOUNT, answer="accept", tasks=["ANALYZE", "ADVERTISE"])
    runtime.graph.faults.plan([{"fault": "200_missing", "path": "connected_instagram_accounts", "times": 9}])
    runtime.clock.at += FIRST_CHECK

    assert tick(runtime) == [(PENDING_ACCOUNT, "confirmed")] and stored(runtime).sentence == "shared with what is needed"


@pytest.mark.parametrize(("answer", "state"), [("refuse", "refused"), (None, "lapsed")])
def test_a_request_that_is_refused_or_ignored_ends(runtime: FrozenRuntime, answer: str | None, state: str) -> None:
    request(runtime, PENDING_PAGE)
    runtime.clock.at += FIRST_CHECK
    assert tick(runtime) == []
    if answer:
        set_shares(runtime, node=PENDING_PAGE, answer=answer)
        runtime.clock.at += 2 * FIRST_CHECK
    else:
        runtime.clock.at += LIFE

    assert tick(runtime) == [(PENDING_PAGE, state)] and stored(runtime).next_check_at is None


def test_a_poll_that_fails_is_repeated_and_says_why(runtime: FrozenRuntime) -> None:
    request(runtime, PENDING_PAGE)
    runtime.clock.at += FIRST_CHECK
    runtime.graph.faults.plan([{"fault": "500", "path": "client_pages", "times": 99}])
    polled_at = runtime.clock.now()
    assert tick(runtime) == []

    assert "could not be checked: " in stored(runtime).sentence and stored(runtime).checks == 1
    assert stored(runtime).next_check_at == polled_at + 2 * FIRST_CHECK


def test_an_invalid_combination_of_tasks_is_reported(runtime: FrozenRuntime) -> None:
    set_shares(runtime, allow_listed=True)

    assert "1752129" in request(runtime, PENDING_PAGE, "DRAFT").sentence


@pytest.mark.parametrize("node_id", [OWN_ACCOUNT, "3000000000001"])
def test_our_nodes_are_given_to_partners_and_taken_back(runtime: FrozenRuntime, node_id: str) -> None:
    set_shares(runtime, allow_listed=True)
    arguments = {
        "admin": admin(runtime), "engine": runtime.engine, "now": runtime.clock.now(),
        "page_token": own_token(runtime, node_id),
    }
    given = given_shares.give(node_id, AROHA, tasks=("ANALYZE",), **arguments)  # type: ignore[arg-type]
    assert (given.state, given.direction) == ("confirmed", "out")
    assert next(share for share in set_shares(runtime)["shares"] if share["agency"] == AROHA)["status"] == "CONFIRMED"

    ended = given_shares.take_back(node_id, AROHA, **arguments)  # type: ignore[arg-type]
    assert ended.state == stored(runtime).state == "taken_back"
    assert next(share for share in set_shares(runtime)["shares"] if share["agency"] == AROHA)["status"] == "DECLINED"


def test_without_the_allow_listing_giving_and_taking_back_name_the_clicks(runtime: FrozenRuntime) -> None:
    arguments = {"admin": admin(runtime), "engine": runtime.engine, "now": runtime.clock.now()}
    given = given_shares.give(OWN_ACCOUNT, AROHA, tasks=("ANALYZE",), **arguments)  # type: ignore[arg-type]
    ended = given_shares.take_back(OWN_ACCOUNT, AROHA, **arguments)  # type: ignore[arg-type]

    assert not given.is_sent and "Assign partner" in given.sentence and "Remove" in ended.sentence
    for strange in ("../me", "act_x", ""):
        with pytest.raises(ConfigError, match="is not an id"):
            given_shares.give(OWN_ACCOUNT, strange, tasks=("ANALYZE",), **arguments)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="is not an id"):
            request(runtime, strange)


def test_a_request_for_more_tasks_of_a_shared_page_is_confirmed(runtime: FrozenRuntime) -> None:
    set_shares(runtime, allow_listed=True)
    request(runtime, SHARED_PAGE, "ANALYZE", "ADVERTISE")
    runtime.clock.at += FIRST_CHECK

    assert tick(runtime) == [(SHARED_PAGE, "confirmed")]


OWN_PAGE = "3000000000001"


def given(runtime: FrozenRuntime, node_id: str) -> dict[str, Any]:
    arguments = {"admin": admin(runtime), "engine": runtime.engine, "now": runtime.clock.now(), "page_token": own_token(runtime, node_id)}
    given_shares.give(node_id, AROHA, tasks=("ANALYZE",), **arguments)  # type: ignore[arg-type]
    return arguments


@pytest.mark.parametrize("node_id", [OWN_ACCOUNT, OWN_PAGE])
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_share_that_we_give_is_polled_at_growing_intervals_until_the_partner_has_it(runtime: FrozenRuntime, node_id: str, by_hand: bool) -> None:
    set_shares(runtime, allow_listed=not by_hand, needs_approval=True)
    given(runtime, node_id)
    waits = "Assign partner → 2000000000002, and switch on “View performance”" if by_hand else "an admin of our business has to approve it"
    assert (stored(runtime).state, stored(runtime).is_sent) == ("waiting", not by_hand) and waits in stored(runtime).sentence
    assert tick(runtime) == [] and stored(runtime).checks == 0  # not due yet
    for checks in (1, 2):
        at = runtime.clock.at = stored(runtime).next_check_at or runtime.clock.at
        assert tick(runtime) == [] and waits in stored(runtime).sentence
        assert (stored(runtime).checks, stored(runtime).next_check_at) == (checks, at + FIRST_CHECK * 2**checks)
    set_shares(runtime, node=node_id, partner=AROHA, answer="accept")
    runtime.clock.at = stored(runtime).next_check_at or runtime.clock.at

    assert tick(runtime) == [(node_id, "confirmed")]
    assert (stored(runtime).sentence, stored(runtime).next_check_at) == ("the partner has access", None)
    set_shares(runtime, allow_listed=True)
    arguments = {"admin": admin(runtime), "engine": runtime.engine, "now": runtime.clock.now(), "page_token": own_token(runtime, node_id)}
    given_shares.take_back(node_id, AROHA, **arguments)  # type: ignore[arg-type]
    assert stored(runtime).state == "taken_back" and tick(runtime) == []


def test_a_share_that_nobody_approves_lapses_and_one_that_is_taken_back_is_no_longer_polled(runtime: FrozenRuntime) -> None:
    set_shares(runtime, allow_listed=True, needs_approval=True)
    given(runtime, OWN_ACCOUNT)
    runtime.clock.at += LIFE
    assert tick(runtime) == [(OWN_ACCOUNT, "lapsed")]
    assert "give it again" in stored(runtime).sentence and stored(runtime).next_check_at is None

    arguments = given(runtime, OWN_ACCOUNT)
    given_shares.take_back(OWN_ACCOUNT, AROHA, **arguments)
    runtime.clock.at += LIFE
    assert tick(runtime) == [] and stored(runtime).state == "taken_back"


def test_a_failed_poll_of_a_share_that_we_give_is_repeated_and_says_why(runtime: FrozenRuntime) -> None:
    set_shares(runtime, allow_listed=True, needs_approval=True)
    given(runtime, OWN_ACCOUNT)
    runtime.clock.at += FIRST_CHECK
    runtime.graph.faults.plan([{"fault": "200_missing", "path": "agencies", "times": 1}])

    assert tick(runtime) == [] and "could not be checked: " in stored(runtime).sentence
    runtime.clock.at = stored(runtime).next_check_at or runtime.clock.at
    assert tick(runtime) == [] and "has to approve it" in stored(runtime).sentence
