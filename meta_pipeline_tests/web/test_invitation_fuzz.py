"""Ids, forms and headers that no invitation has: each gets a 4xx, without a traceback and without a stored row."""

from __future__ import annotations

import base64
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import Sandbox
from harness.web.connections_page import Web
from harness.web.generated_requests import generated
from harness.web.invited_customer import Clock, invite, make_inviting_web

IDS, FORMS = generated(300), generated(300, of_each=0.5)
ids = st.one_of(
    st.binary(min_size=1, max_size=120).map(quote_from_bytes), st.binary(min_size=32, max_size=32).map(
        lambda value: base64.urlsafe_b64encode(value).decode().rstrip("=")),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.%", min_size=1, max_size=200),
).filter(lambda text: text not in (".", "..") and "/" not in text)
pages = st.sampled_from(["", "/connect", "/decline", "/shared", "/assets", "/disconnect", "/erase"])
bodies = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(st.sampled_from(["form_token", "node-act_1", "email", "x"]), st.text(max_size=40), max_size=4).map(
        lambda form: "&".join(f"{key}={quote_from_bytes(value.encode())}" for key, value in form.items()).encode()),
)


EXISTING: dict[int, tuple[object, str]] = {}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> Web:
    web = make_inviting_web(tmp_path_factory.mktemp("invited"), shared_web_sandbox, Clock())
    invite(web)  # an invitation that could be shown
    return web


def assert_refused(web: Web, before: dict[str, int], *, status: int, body: str) -> None:
    assert 400 <= status < 500, body
    assert "Traceback" not in body and "Northwind" not in body and web.sandbox.app["app_secret"] not in body
    assert web.rows() == before


@IDS
@given(id=ids, page=pages)
def test_a_made_up_id_is_refused(web: Web, id: str, page: str) -> None:
    before = web.rows()
    answer = web.browser.get(f"/invitations/{id}{page}")
    assert_refused(web, before, status=answer.status, body=answer.body)
    if page in ("", "/connect", "/erase"):
        assert answer.status == 404


@FORMS
@given(id=ids, page=pages, body=bodies)
def test_a_made_up_form_is_refused(web: Web, id: str, page: str, body: bytes) -> None:
    before = web.rows()
    kind = (b"content-type", b"application/x-www-form-urlencoded")
    answer = web.browser.send("POST", f"/invitations/{id}{page}", body, [kind])
    assert_refused(web, before, status=answer.status, body=answer.body)


@FORMS
@given(body=bodies, page=pages.filter(bool))
def test_a_made_up_form_for_an_invitation_that_exists_is_refused(web: Web, body: bytes, page: str) -> None:
    _, path = EXISTING.setdefault(id(web), invite(web))
    before = web.rows()
    answer = web.another_browser().send("POST", f"{path}{page}", body, [(b"content-type", b"text/plain")])
    assert 400 <= answer.status < 500 and web.rows() == before


@IDS
@given(at=st.integers(0, 42), shift=st.integers(1, 63))
def test_a_valid_link_with_one_character_changed_is_refused(web: Web, at: int, shift: int) -> None:
    _, path = EXISTING.setdefault(id(web), invite(web))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = path.rpartition("/")[2]
    changed = text[:at] + alphabet[(alphabet.index(text[at]) + shift) % 64] + text[at + 1 :]
    before = web.rows()
    answer = web.browser.get(f"/invitations/{changed}")
    assert_refused(web, before, status=answer.status, body=answer.body)
