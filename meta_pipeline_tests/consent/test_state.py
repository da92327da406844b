"""The OAuth state: signed by us, valid for ten minutes, and used once."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.consent.local import code_of
from meta_pipeline.consent.scopes import missing_scopes, scopes_for
from meta_pipeline.consent.signing import serializer, timed_serializer
from meta_pipeline.consent.state import ConsentError, issue, read_state, use
from meta_pipeline.store.schema.current import metadata

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def engine() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    return engine


def test_a_state_is_used_once(engine: sa.Engine) -> None:
    state = issue(key="k", now=NOW)
    use(engine, state, key="k", now=NOW)

    with pytest.raises(ConsentError) as caught:
        use(engine, state, key="k", now=NOW)
    assert caught.value.reason == "state_reused"


def test_a_state_expires_after_ten_minutes(engine: sa.Engine) -> None:
    state = issue(key="k", now=NOW)

    assert read_state(state, key="k", now=NOW + dt.timedelta(minutes=10)).issued_at == NOW
    with pytest.raises(ConsentError) as caught:
        use(engine, state, key="k", now=NOW + dt.timedelta(minutes=10, seconds=1))
    assert caught.value.reason == "state_expired"


def test_a_state_has_exactly_one_valid_encoding() -> None:
    state = issue(key="k", now=NOW)
    last = state[-1]
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=!.":
        if other != last:
            with pytest.raises(ConsentError) as caught:
                read_state(state[:-1] + other, key="k", now=NOW)
            assert caught.value.reason == "state_invalid"
    with pytest.raises(ConsentError):
        read_state(state + "=", key="k", now=NOW)


def test_a_text_signed_for_another_purpose_or_in_another_way_is_no_state() -> None:
    content = {"nonce": "n", "phase": 1, "browser": "", "reconnect_link": "", "invitation": ""}
    for text in (
        timed_serializer("session", key="k", now=NOW).dumps(content), serializer("oauth state", key="k").dumps(content),
        timed_serializer("oauth state", key="k", now=NOW, bound_to="x").dumps(content),
    ):
        with pytest.raises(ConsentError) as caught:
            read_state(text, key="k", now=NOW)
        assert caught.value.reason == "state_invalid"


def test_a_state_belongs_to_the_browser_it_was_issued_to() -> None:
    state = issue(key="k", now=NOW, browser_secret="mine")
    assert read_state(state, key="k", now=NOW, browser_secret="mine").phase == 1
    for other in ("yours", None, "mine "):
        with pytest.raises(ConsentError) as caught:
            read_state(state, key="k", now=NOW, browser_secret=other)
        assert caught.value.reason == "state_foreign"


def test_a_state_of_another_key_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(ConsentError) as caught:
        use(engine, issue(key="other", now=NOW), key="k", now=NOW)
    assert caught.value.reason == "state_invalid"


@given(st.text())
def test_a_made_up_state_is_refused(text: str) -> None:
    with pytest.raises(ConsentError):
        read_state(text, key="k", now=NOW)


def test_a_denied_consent_keeps_the_error_code_of_oauth() -> None:
    with pytest.raises(ConsentError) as caught:
        code_of({"error": "access_denied", "error_description": "Permissions error"})
    assert caught.value.reason == "access_denied"


def test_a_phase_includes_the_scopes_of_the_earlier_ones() -> None:
    assert "business_management" not in scopes_for(1)
    assert {"ads_read", "business_management"} <= set(scopes_for(2))
    assert "ads_management" not in scopes_for(2)
    assert [s.name for s in missing_scopes(set(scopes_for(1)) - {"read_insights"})] == ["read_insights"]
