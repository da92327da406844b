"""Tokens of Pages: a Page's edge is read with the Page's own token; a token that lacks a permission is not sent, and
the next one is used; a lost permission is named with the click that restores it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, PAGES, Organic
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.records import AccessToken, FailedDay, LandedFile
from meta_pipeline.store.connections import access
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.schema.connections import tokens

READ_INSIGHTS = "read_insights"
PAGE_KINDS = [kind for kind in CallKind if kind.value.needs_page_token]
ORGANIC_KINDS = [kind for kind in CallKind if kind.value.all_scopes]


@pytest.fixture
def organic(tmp_path: Path) -> Organic:
    return Organic(tmp_path)


@pytest.mark.parametrize("kind", PAGE_KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("token_kind", ["user", "system_user"])
def test_a_page_edge_is_never_sent_with_a_persons_token(organic: Organic, kind: CallKind, token_kind: str) -> None:
    token = AccessToken(kind=token_kind, value="EAA")  # type: ignore[arg-type]
    client, before = organic.runtime.client, len(organic.runtime.events)
    with pytest.raises(ScopeError, match=r"need the Page's own token.*click Connect again"):
        client.get(f"{PAGE}/insights", token=token, kind=kind)
    with pytest.raises(ScopeError, match="need the Page's own token"):
        client.batch([Operation(f"{PAGE}/insights", {}, kind)], token=token)

    assert len(PAGE_KINDS) >= 2
    assert len(organic.runtime.events) == before


@pytest.mark.parametrize("kind", ORGANIC_KINDS, ids=lambda kind: kind.name)
def test_a_token_that_lacks_any_permission_is_not_sent_and_the_sentence_says_what_to_click(
    organic: Organic, kind: CallKind
) -> None:
    before = len(organic.runtime.events)
    for missing in kind.value.all_scopes:
        granted = frozenset(kind.value.all_scopes) - {missing}
        token = AccessToken(kind="page", value="EAA", scopes=granted)
        with pytest.raises(ScopeError, match=f"lacks the permission {missing}, .*nothing was sent: .*Connect again"):
            organic.runtime.client.get(PAGE, token=token, kind=kind)

    assert len(ORGANIC_KINDS) >= 4
    assert len(organic.runtime.events) == before


def test_every_call_of_a_page_is_made_with_its_own_token(organic: Organic) -> None:
    used: set[str] = set()
    identity = organic.runtime.graph.identity
    authenticate = identity.authenticate

    def record(request: object, now: object) -> object:
        token = authenticate(request, now)  # type: ignore[arg-type]
        used.add(token.kind)
        return token

    identity.authenticate = record  # type: ignore[method-assign, assignment]
    organic.land(PAGES, "page_insights page_audience page_posts", organic.days(3))

    assert used == {"PAGE"}


def test_another_persons_token_of_the_same_page_takes_over(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    organic.runtime.onboard(organic.runtime.mint("USER", days=60))
    first, *others = access.readers(organic.engine, PAGE)
    assert others
    _withhold(organic, first.token_ref)
    landed = organic.land(PAGE, "page_insights page_audience page_posts", organic.days(3))

    assert len(landed) == 5 and all(file.rows for file in landed)


def _withhold(organic: Organic, token_ref: str) -> None:
    """Revoke `read_insights` for one token, at Meta; all other tokens keep it."""
    value = organic.runtime.vault.reveal(token_ref, flow="test", node_id=PAGE).value
    issued = organic.runtime.graph.identity.find(value)
    assert issued is not None
    issued.scopes = tuple(scope for scope in issued.scopes if scope != READ_INSIGHTS)


def _scopes_in_vault(organic: Organic, token_ref: str) -> set[str]:
    with organic.engine.connect() as connection:
        query = sa.select(tokens.c.scopes).where(tokens.c.id == token_ref)
        return set(connection.execute(query).scalar_one())


def test_a_page_that_lost_read_insights_fails_and_its_neighbours_land(organic: Organic) -> None:
    organic.control("withheld", page_id=PAGE, scopes=[READ_INSIGHTS])
    results = organic.pull(PAGES, "page_insights page_audience", organic.days(3))
    failed = [result for result in results if isinstance(result, FailedDay)]

    assert {(each.node_id, each.report) for each in failed} == {(PAGE, "page_insights"), (PAGE, "page_audience")}
    assert all(f"lacks the permission {READ_INSIGHTS}" in each.reason for each in failed)
    assert all("click Connect again" in each.reason for each in failed)
    assert {each.node_id for each in results if isinstance(each, LandedFile) and each.rows} == set(PAGES[1:])
    (reader,) = access.readers(organic.engine, PAGE)
    assert READ_INSIGHTS not in _scopes_in_vault(organic, reader.token_ref)

    organic.pull(PAGE, "page_insights", organic.days(3))
    assert organic.cost.operations == 0  # the vault knows, so nothing is sent

    posts = organic.pull(PAGE, "page_posts")
    assert all(isinstance(each, FailedDay) and READ_INSIGHTS in each.reason for each in posts)


def test_a_small_page_lands_empty(tmp_path: Path) -> None:
    organic = Organic(tmp_path, small_pages=[PAGE], small_instagram=[INSTAGRAM_ACCOUNT])
    landed = organic.land(PAGES[:2], "page_insights page_audience", organic.days(3))

    assert {file.node_id for file in landed if file.rows == 0} == {PAGE}
    assert {file.node_id for file in landed if file.rows} == {PAGES[1]}
    small = metric_states.find_all(organic.engine, node_id=PAGE)
    assert small and all(state.empty_since and not state.dead_since and not state.answered_at for state in small)
    other = metric_states.find_all(organic.engine, node_id=PAGES[1])
    assert other and all(state.answered_at and not state.empty_since for state in other)


def test_a_small_instagram_account_lands_what_it_has(tmp_path: Path) -> None:
    organic = Organic(tmp_path, small_instagram=[INSTAGRAM_ACCOUNT])
    landed = organic.land(INSTAGRAM_ACCOUNT, "instagram_insights instagram_demographics", organic.days(3))

    empty = {state.metric for state in metric_states.find_all(organic.engine) if state.empty_since}
    assert {"follower_count", "follower_demographics"} <= empty
    assert all(file.rows for file in landed if file.report == "instagram_insights")
    assert [file.rows for file in landed if file.report == "instagram_demographics"] == [0]


def test_a_token_without_the_permissions_of_pages_is_refused_before_any_call(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    with organic.engine.begin() as connection:
        scopes = [scope for scope in scopes_for(2) if scope != READ_INSIGHTS]
        connection.execute(sa.update(tokens).values(scopes=scopes))
    (failed,) = organic.pull(PAGE, "page_audience")

    assert isinstance(failed, FailedDay) and failed.reason.startswith(f"the token lacks the permission {READ_INSIGHTS}")
    assert organic.cost.operations == 0
