"""Broken tokens: every refusal of Meta's is reported with the token's owner and the click that repairs it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.frozen_clock import PUBLIC, FrozenRuntime
from meta_pipeline.consent.scopes import SCOPES, Scope, scopes_for
from meta_pipeline.flows.connections import relinking, tokens
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import FailedDay, LandedFile, VaultError
from meta_pipeline.status import overview
from meta_pipeline.status.overview import Connection
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.schema.connections import tokens as token_table

ACCOUNT, DAY = "act_1000000001", dt.date(2026, 10, 5)
CONNECT = f"{PUBLIC}/connect?phase=2"


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    return FrozenRuntime(tmp_path)


def connections(runtime: FrozenRuntime, features: tuple[str, ...] = ()) -> list[Connection]:
    return overview.connections(
        engine=runtime.engine, tokens=runtime.vault, action_links=runtime.action_links, features=features, now=runtime.clock.now()
    )


def land(runtime: FrozenRuntime, path: Path) -> list[LandedFile | FailedDay]:
    context = PullContext(
        graph=runtime.client, tokens=runtime.vault, landing=Landing(str(path / "landing"), runtime.engine), engine=runtime.engine,
        run_id="r", backfill_id=str(runtime.clock.at), sleep=runtime.clock.sleep, now=runtime.clock.now,
    )
    return list(pulls.land(ACCOUNT, [DAY], ["account_insights"], context=context))


INVALIDATIONS = [
    (458, "removed this app from their Facebook settings", [("Connect again", CONNECT)]),
    (459, "has to pass a checkpoint of Facebook", [("Open Facebook", "https://www.example"), ("Connect again", CONNECT)]),
    (460, "changed the password", [("Connect again", CONNECT)]),
    (463, "has not renewed the consent in time", [("Connect again", CONNECT)]),
    (464, "is not confirmed", [("Open Facebook", "https://www.example"), ("Connect again", CONNECT)]),
    (467, "logged out", [("Connect again", CONNECT)]),
    (492, "lost the role on the Page", [
        ("Open the Page's settings", "https://business.example/settings/pages/"), ("Connect again", CONNECT)]),
    (493, "data access has lapsed", [("Connect again", CONNECT)]),
]


@pytest.mark.parametrize(("subcode", "sentence", "actions"), INVALIDATIONS)
@pytest.mark.parametrize("noticed_by", ["a run", "the daily check"])
def test_a_dead_token_is_retired_at_once_and_says_what_to_do(
    runtime: FrozenRuntime, tmp_path: Path, subcode: int, sentence: str, actions: list[tuple[str, str]], noticed_by: str
) -> None:
    ref = runtime.onboard(runtime.mint(days=60))
    runtime.graph.identity.invalidate(subcode, "USER")
    if noticed_by == "a run":
        (failed,) = land(runtime, tmp_path)
        assert isinstance(failed, FailedDay) and f"(190/{subcode})" in failed.reason
    else:
        assert tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now()) == []
    (connection,) = connections(runtime)

    assert connection.state == "dead" and connection.ref.id == ref.id and connection.ref.retired_subcode == subcode
    assert connection.issues[0].message.startswith("Sam Operator ") and sentence in connection.issues[0].message
    assert [(issue.action, issue.url) for issue in connection.issues] == actions
    # A dead token is not used again: no call is made with it.
    calls = dict(runtime.graph.calls)
    (again,) = land(runtime, tmp_path)
    assert isinstance(again, FailedDay) and f"190/{subcode}" in again.reason and dict(runtime.graph.calls) == calls


def test_a_dead_token_of_a_page_has_the_link_to_the_pages_settings(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint(days=60))
    runtime.graph.identity.invalidate(492, "PAGE")
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    (connection,) = connections(runtime)

    assert connection.state == "trouble" and connection.ref.retired_at is None
    pages = [node for node in connection.nodes if node.link.kind == "page"]
    assert [node.issue.url for node in pages if node.issue] == [
        f"https://business.example/settings/pages/{node.link.id}" for node in pages]


def test_a_temporary_refusal_retires_no_token(runtime: FrozenRuntime, tmp_path: Path) -> None:
    runtime.onboard(runtime.mint(days=60))
    runtime.graph.faults.plan([{"fault": "190_460", "path": f"GET {ACCOUNT}/insights", "times": 1}])
    (failed,) = land(runtime, tmp_path)
    assert isinstance(failed, FailedDay)
    runtime.clock.sleep(60)

    (landed,) = land(runtime, tmp_path)
    assert isinstance(landed, LandedFile)


def test_another_token_takes_over_in_the_same_run(runtime: FrozenRuntime, tmp_path: Path) -> None:
    runtime.onboard(runtime.mint(days=60))
    system = runtime.onboard(runtime.mint("SYSTEM_USER"))
    assert {link.token_ref for link in list_links(runtime.engine) if link.id == ACCOUNT} == {system.id}
    runtime.graph.identity.invalidate(467, "SYSTEM_USER")
    (landed,) = land(runtime, tmp_path)

    assert isinstance(landed, LandedFile) and landed.rows == 1
    assert [each.state for each in connections(runtime)] == ["dead", "good"]


def test_a_token_that_may_not_read_a_node_leaves_it_to_one_that_may(runtime: FrozenRuntime, tmp_path: Path) -> None:
    runtime.onboard(runtime.mint(days=60))
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    runtime.graph.faults.plan([{"fault": "200_missing", "path": f"GET {ACCOUNT}/insights", "times": 1}])
    (landed,) = land(runtime, tmp_path)
    assert isinstance(landed, LandedFile) and [each.state for each in connections(runtime)] == ["good", "good"]

    runtime.graph.faults.plan([{"fault": "200_missing", "path": f"GET {ACCOUNT}/insights", "times": 2}])
    runtime.clock.sleep(60)
    (failed,) = land(runtime, tmp_path)
    assert isinstance(failed, FailedDay) and "ads_read" in failed.reason


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if not scope.features], ids=lambda scope: scope.name)
def test_a_missing_scope_is_named_with_what_it_stops_and_the_link_that_requests_it(runtime: FrozenRuntime, scope: Scope) -> None:
    runtime.onboard(runtime.mint(days=60, scopes=tuple(set(scopes_for(2)) - {scope.name})))
    (connection,) = connections(runtime)

    (issue,) = connection.issues
    without = scope.without[0].upper() + scope.without[1:]
    assert issue.message == f"{without}, because the permission to {scope.allows} ({scope.name}) is missing."
    assert issue.url == f"{PUBLIC}/connect?phase=2&rerequest=1" and issue.action == "Ask again"


@pytest.mark.parametrize(
    ("scope", "kind"), [(scope, kind) for scope in SCOPES if not scope.features for kind in scope.reads],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_node_whose_token_lacks_a_scope_says_so_and_its_neighbours_do_not(
    runtime: FrozenRuntime, scope: Scope, kind: str
) -> None:
    runtime.onboard(runtime.mint("SYSTEM_USER"))
    runtime.graph.identity.withheld["3000000000001"] = frozenset([scope.name])
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    (connection,) = connections(runtime)

    affected = {
        node.link.id: node.issue for node in connection.nodes if node.issue is not None and node.link.kind == kind
    }
    ((node_id, issue),) = affected.items()
    assert node_id in ("3000000000001", "17841400000000001")  # the Page, or the Instagram account behind it
    assert scope.name in issue.message and issue.url == f"{PUBLIC}/connect?phase=2&rerequest=1" and issue.is_urgent
    assert connection.state == "trouble" and connection.issues == ()


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope.features], ids=lambda scope: scope.name)
def test_a_scope_of_a_feature_is_missing_only_while_the_feature_is_on(runtime: FrozenRuntime, scope: Scope) -> None:
    feature = scope.features[0]
    granted = tuple(set(scopes_for(3, (feature,))) - {scope.name})
    runtime.onboard(runtime.mint(days=60, scopes=granted), phase=3)

    assert connections(runtime)[0].missing == ()
    assert [each.name for each in connections(runtime, (feature,))[0].missing] == [scope.name]


@pytest.mark.parametrize(("kind", "node_id", "where"), [
    ("ad_account", "act_1000000002", "ad-accounts/1000000002"), ("page", "3000000000002", "pages/3000000000002"),
])
@pytest.mark.parametrize("tasks", [["DRAFT"], ["ADVERTISE", "MANAGE"]])
def test_a_missing_task_has_the_link_where_it_is_granted(runtime: FrozenRuntime, kind: str, node_id: str, where: str, tasks: list[str]) -> None:
    runtime.graph.access.tasks[node_id.removeprefix("act_")] = tasks
    runtime.onboard(runtime.mint(days=60))
    troubled = [node for node in connections(runtime)[0].nodes if node.issue]

    assert {node.link.id for node in troubled if node.link.kind == kind} == {node_id}
    issue = next(node.issue for node in troubled if node.link.kind == kind)
    assert issue and "the task ANALYZE" in issue.message and issue.url == f"https://business.example/settings/{where}"


def test_a_node_without_access_is_no_longer_read(runtime: FrozenRuntime, tmp_path: Path) -> None:
    runtime.onboard(runtime.mint(days=60))
    runtime.graph.access.tasks[ACCOUNT.removeprefix("act_")] = []
    relinking.relink_all(graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())

    (failed,) = land(runtime, tmp_path)
    assert isinstance(failed, FailedDay) and "no token reads act_1000000001" in failed.reason
    assert ACCOUNT not in {node.link.id for node in connections(runtime)[0].nodes}


def test_tokens_are_exchanged_before_they_end_and_keep_their_name(runtime: FrozenRuntime) -> None:
    user, system = runtime.onboard(runtime.mint(days=60)), runtime.onboard(runtime.mint("SYSTEM_USER", days=60))
    before = {ref.id: runtime.vault.reveal(ref.id, flow="test").value for ref in (user, system)}
    runtime.clock.sleep(41 * 86400)
    assert tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now()) == []

    for ref in (user, system):
        now = runtime.vault.ref(ref.id)
        assert now.expires_at and now.expires_at - runtime.clock.now() > dt.timedelta(days=59)
        assert runtime.vault.reveal(ref.id, flow="test").value != before[ref.id]
    # An exchange is not an activity of the person: data access ends at the same time as before.
    assert runtime.vault.ref(user.id).data_access_expires_at == user.data_access_expires_at


def test_disconnecting_a_system_user_ends_that_token_at_meta(runtime: FrozenRuntime) -> None:
    system = runtime.onboard(runtime.mint("SYSTEM_USER"))
    value = runtime.vault.reveal(system.id, flow="test").value
    assert tokens.disconnect(system.id, graph=runtime.client, tokens=runtime.vault).outcome == "revoked"

    assert runtime.graph.identity.tokens[value].invalid_subcode == 458 and runtime.vault.refs() == []


def test_a_token_that_meta_does_not_revoke_is_deleted_anyway(runtime: FrozenRuntime) -> None:
    user = runtime.onboard(runtime.mint(days=60))
    runtime.graph.faults.plan([{"fault": "500", "path": "DELETE me/permissions", "times": 9}])

    disconnection = tokens.disconnect(user.id, graph=runtime.client, tokens=runtime.vault)
    assert disconnection.outcome == "refused" and "try again later" in disconnection.sentence
    assert runtime.vault.refs() == []


def test_the_sentence_of_a_revocation_says_what_happened(runtime: FrozenRuntime) -> None:
    revoked = tokens.disconnect(runtime.onboard(runtime.mint(days=60)).id, graph=runtime.client, tokens=runtime.vault)
    assert "Meta has revoked the consent" in revoked.sentence and "deleted here" in revoked.sentence

    user = runtime.onboard(runtime.mint(days=60))
    runtime.graph.identity.invalidate(460, "USER")
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    calls = dict(runtime.graph.calls)
    earlier = tokens.disconnect(user.id, graph=runtime.client, tokens=runtime.vault)
    assert earlier.outcome == "not asked" and dict(runtime.graph.calls) == calls
    assert "was retired earlier (190/460)" in earlier.sentence and "Meta was not called" in earlier.sentence


def test_no_ciphertext_is_left_of_a_person_and_their_pages(runtime: FrozenRuntime) -> None:
    user = runtime.onboard(runtime.mint(days=60))
    tokens.disconnect(user.id, graph=runtime.client, tokens=runtime.vault)

    with runtime.engine.connect() as connection:
        assert set(connection.execute(sa.select(token_table.c.sealed)).scalars()) == {b""}


@pytest.mark.parametrize("subcode", [458, 492])
def test_no_ciphertext_is_left_of_a_token_that_died(runtime: FrozenRuntime, subcode: int) -> None:
    user = runtime.onboard(runtime.mint(days=60))
    runtime.graph.identity.invalidate(subcode, "USER")
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())

    with runtime.engine.connect() as connection:
        sealed: bytes = connection.execute(sa.select(token_table.c.sealed).where(token_table.c.id == user.id)).scalar_one()
    assert sealed == b""


HOSTILE = "\x1b[31mEvil\x07\u202e [b]x[/b] <!channel> <img src=x onerror=1>\r\nSubject: spoofed"


def test_a_hostile_name_is_one_harmless_line_in_every_sentence(runtime: FrozenRuntime) -> None:
    ref = runtime.onboard(runtime.mint(days=60))
    with runtime.engine.begin() as connection:
        connection.execute(token_table.update().values(subject_name=HOSTILE))
    runtime.clock.sleep(50 * 86400)
    sentences = [issue.message for connection in connections(runtime) for issue in connection.issues]
    runtime.graph.identity.invalidate(460, "USER")
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    sentences += [issue.message for connection in connections(runtime) for issue in connection.issues]
    with pytest.raises(VaultError) as caught:
        runtime.vault.reveal_for(ACCOUNT, flow="test")
    sentences += [str(caught.value), tokens.disconnect(ref.id, graph=runtime.client, tokens=runtime.vault).sentence]

    assert len(sentences) >= 4
    for sentence in sentences:
        assert sentence.isprintable(), sentence
