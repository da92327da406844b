"""Callbacks that come from no dialog: each gets a 4xx, nothing is written, and no secret is shown."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, make_web
from harness.web.generated_requests import generated
from meta_pipeline import bootstrap
from meta_pipeline.consent import state
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.schema.connections import tokens
from meta_pipeline.store.schema.nodes import node_links

HARD = generated(600, of_each=0.25)  # each of four tests generates a quarter
anything = st.one_of(
    st.binary(max_size=300).map(quote_from_bytes), st.text(st.characters(max_codepoint=255, exclude_characters="#"), max_size=200),
)
name = st.sampled_from(["state", "code", "error", "error_description", "error_reason", "state", "x", "%00", "state[]"])
queries = st.lists(st.tuples(name, anything), max_size=6).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs))
header = st.tuples(
    st.sampled_from([b"cookie", b"authorization", b"referer", b"user-agent", b"accept", b"x-forwarded-host",
                     b"content-length", b"sec-fetch-site", b"origin", b"cookie"]),
    st.one_of(
        st.binary(max_size=200), st.binary(max_size=60).map(lambda value: b"meta_pipeline_browser=" + value),
        st.binary(max_size=60).map(lambda value: b"meta_pipeline_session=" + value),
    ),
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> Web:
    web = make_web(tmp_path_factory.mktemp("web"), shared_web_sandbox)
    web.connect()  # a connection that could be lost
    return web


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> Web:
    return make_web(
        tmp_path_factory.mktemp("guarded"), shared_web_sandbox, host="0.0.0.0", operator_password="correct horse",
        public_url="http://localhost:8600",
    )


def assert_refused(web: Web, before: dict[str, int], *, status: int, body: str) -> None:
    assert 400 <= status < 500, body
    assert "Traceback" not in body and web.sandbox.app["app_secret"] not in body
    assert web.rows() == before


@HARD
@given(query=queries)
def test_a_made_up_query_is_refused(web: Web, query: str) -> None:
    before = web.rows()
    answer = web.browser.get(f"/oauth/callback?{query}")
    assert_refused(web, before, status=answer.status, body=answer.body)


@HARD
@given(headers=st.lists(header, max_size=4), query=queries)
def test_made_up_headers_and_cookies_are_refused(web: Web, headers: list[tuple[bytes, bytes]], query: str) -> None:
    before = web.rows()
    answer = web.browser.get(f"/oauth/callback?{query}", headers)
    assert_refused(web, before, status=answer.status, body=answer.body)


@HARD
@given(at=st.integers(0, 400), bit=st.integers(0, 7), cut=st.integers(0, 400))
def test_a_valid_state_with_one_bit_changed_or_cut_short_is_refused(web: Web, at: int, bit: int, cut: int) -> None:
    before = web.rows()
    secret = web.browser.cookies["meta_pipeline_browser"]
    true = state.issue(key=web.sandbox.app["app_secret"], now=bootstrap.system_now(), browser_secret=secret).encode()
    damaged = bytearray(true)
    damaged[at % len(true)] ^= 1 << bit
    short = bytes(damaged)[: cut % len(true)] if cut % 2 else bytes(damaged)
    answer = web.browser.get(f"/oauth/callback?code=AQ{'1' * 40}&state={quote_from_bytes(short)}")
    assert_refused(web, before, status=answer.status, body=answer.body)


@HARD
@given(headers=st.lists(header, max_size=4), body=st.binary(max_size=300), path=st.sampled_from(
    ["/sign-in", "/sign-out", "/connections/x/check", "/connections/x/disconnect", "/oauth/callback"]))
def test_made_up_forms_without_a_sign_in_are_refused(guarded: Web, headers: list[tuple[bytes, bytes]], body: bytes, path: str) -> None:
    before = guarded.rows()
    answer = guarded.browser.send("POST", path, body, headers)
    assert_refused(guarded, before, status=answer.status, body=answer.body)


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(st.sampled_from([
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"><b>", "javascript:alert(1)", "{{ 7*7 }}", "&lt;",
        "\x1b[31m", "\x00", "\x07", "\r\nSet-Cookie: a=b", "\u202e", "\u2066", "\u2028", "[b]", "é", "Northwind",
    ]), max_size=6).map("".join),
)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> tuple[Web, str]:
    """Return an app whose names are replaced, and the path of its onboarding."""
    web = make_web(tmp_path_factory.mktemp("named"), shared_web_sandbox)
    return web, web.connect().header("location")


@generated(60, of_each=0.01)
@given(person=HOSTILE, node=HOSTILE, business=HOSTILE, step=HOSTILE)
def test_names_from_meta_are_data_on_every_page(named: tuple[Web, str], person: str, node: str, business: str, step: str) -> None:
    web, where = named
    id = where.rpartition("/")[2]
    with web.runtime.engine.begin() as connection:
        connection.execute(tokens.update().values(subject_name=person))
        connection.execute(node_links.update().values(name=node, owner_business=business))
    result = {"name": person, "nodes": {"ad_account": 1}, "partitions": 1, "missing": [["ads_read", step]], "samples": [
        {"name": node, "day": "2026-11-20", "figures": {step or "x": node, "spend": node, "account_currency": business}},
        {"name": node, "day": "2026-11-20", "trouble": step},
    ]}
    onboardings.update(web.runtime.engine, id, result=result, step=step, reason=step)
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    for status in ("waiting", "failed"):
        onboardings.update(web.runtime.engine, id, status=status)
        for target in ("/", where, f"/connections/{ref.id}/disconnect", f"/?disconnected={ref.id}"):
            answer = web.browser.get(target)
            assert answer.status == 200
            assert not re.search("<(script>|img src=x|b>)", answer.body), target
            unsafe = [char for char in answer.body if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\n\u200c\u200d"]
            assert not unsafe, (target, unsafe)
            assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|(?<=>)49(?=<)", answer.body)
            assert [name for name, _ in answer.headers].count("set-cookie") <= 1


def test_the_app_is_still_ready(web: Web, tmp_path: Path) -> None:
    assert web.browser.get("/health/ready").status == 200
