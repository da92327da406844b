"""Meta's callbacks when a person leaves: only requests signed by Meta count, each once, and they take effect at once."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import sqlalchemy as sa
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from harness.home import free_port
from harness.sandbox import NOW, Sandbox
from harness.web.connections_page import Web, make_web
from harness.web.generated_requests import generated
from meta_pipeline.flows.connections import relinking
from meta_pipeline.flows.leaving import callbacks
from meta_pipeline.flows.leaving.erasing import run_erasures
from meta_pipeline.flows.leaving.places import places_of
from meta_pipeline.records import ConfigError, VaultError
from meta_pipeline.status.token_health import APP_REMOVED, DEAUTHORIZED
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.leaving import erasures
from meta_pipeline.store.nodes import business_assets
from meta_pipeline.web.erasing import ErasureThread

PERSON = "1020000000000001"
AT = dt.datetime.fromisoformat(NOW)
WRITES: list[str] = []  # statements that changed the shared control store
CALLBACKS = ("/callbacks/deauthorize", "/callbacks/data-deletion")


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox) -> Web:
    web = make_web(tmp_path, sandbox, now=lambda: AT)
    web.connect()
    return web


def signed(web: Web, **claims: Any) -> str:
    return str(web.sandbox.control("signed_request", claims)["signed_request"])


def test_deauthorizing_retires_the_persons_tokens_and_those_of_their_pages_at_once(web: Web) -> None:
    before = web.runtime.vault.refs()
    assert {ref.kind for ref in before} == {"user", "page"}

    answer = web.browser.post(CALLBACKS[0], {"signed_request": signed(web)})

    assert answer.status == 200
    assert web.runtime.vault.refs() == []
    for ref in web.runtime.vault.refs(retired=True):
        assert (ref.retired_because, ref.retired_subcode) == (DEAUTHORIZED, APP_REMOVED)
        with pytest.raises(VaultError, match="removed this app"):
            web.runtime.vault.reveal(ref.id, flow="test")
    assert "removed this app from their Facebook settings" in web.browser.get("/").body


def test_the_token_of_another_person_stays(web: Web) -> None:
    answer = web.browser.post(CALLBACKS[0], {"signed_request": signed(web, user_id="1020000000000002")})

    assert answer.status == 200 and len(web.runtime.vault.refs()) > 1


def test_a_replayed_deauthorization_does_not_end_a_later_consent(web: Web) -> None:
    request = signed(web)
    assert web.browser.post(CALLBACKS[0], {"signed_request": request}).status == 200
    web.connect()

    again = web.browser.post(CALLBACKS[0], {"signed_request": request})

    assert again.status == 409 and web.runtime.vault.refs()


def test_a_data_deletion_has_a_code_and_a_page_that_name_nobody(web: Web) -> None:
    request = signed(web)
    answer = web.browser.post(CALLBACKS[1], {"signed_request": request})
    body = json.loads(answer.body)

    assert answer.status == 200 and set(body) == {"url", "confirmation_code"}
    public = web.runtime.settings.public_url
    assert body["url"] == f"{public}/deletions/{body['confirmation_code']}" and PERSON not in body["url"]
    assert web.runtime.vault.refs() == []
    page = web.another_browser().get(body["url"].removeprefix(public))
    assert page.status == 200 and "Pending" in page.body and PERSON not in page.body
    assert json.loads(web.browser.post(CALLBACKS[1], {"signed_request": request}).body) == body
    assert web.browser.get("/deletions/nothing").status == 404
    assert web.browser.get(f"/deletions/{'x' * 5000}").status == 404


def test_two_requests_of_a_person_that_wait_are_one_erasure(web: Web) -> None:
    earlier = signed(web, issued_at=int(AT.timestamp()) - 60)
    codes = {
        json.loads(web.browser.post(CALLBACKS[1], {"signed_request": request}).body)["confirmation_code"]
        for request in (earlier, signed(web))
    }

    assert len(codes) == 1


@pytest.mark.parametrize("path", CALLBACKS)
@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "another"},
        {"algorithm": "HMAC-SHA1"}, {"algorithm": "none"}, {"algorithm": None}, {"algorithm": "hmac-sha256"},
        {"issued_at": int(AT.timestamp()) - 86_401}, {"issued_at": int(AT.timestamp()) + 601},
        {"issued_at": str(int(AT.timestamp()))}, {"issued_at": None}, {"issued_at": True}, {"issued_at": 1e308},
        {"issued_at": -1e308}, {"issued_at": 10**400}, {"issued_at": [1]},
        {"user_id": ""}, {"user_id": None}, {"user_id": "12a"}, {"user_id": "١٢٣"}, {"user_id": "1\n"}, {"user_id": 12},
        {"user_id": "1" * 41}, {"user_id": ["1"]}, {"user_id": "../1"},
    ],
    ids=str,
)
def test_a_request_with_a_wrong_claim_is_refused_and_leaves_no_row(shared_web: Web, path: str, claims: dict[str, Any]) -> None:
    _refused(shared_web, path, {"signed_request": signed(shared_web, **claims)})


@pytest.mark.parametrize("path", CALLBACKS)
@pytest.mark.parametrize("claims", [{"issued_at": AT.timestamp() - 86_399.5}, {"issued_at": int(AT.timestamp()) + 599}], ids=str)
def test_a_request_within_the_times_is_accepted(web: Web, path: str, claims: dict[str, Any]) -> None:
    assert web.browser.post(path, {"signed_request": signed(web, **claims)}).status == 200


@pytest.fixture(scope="module")
def shared_web(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> Web:
    web = make_web(tmp_path_factory.mktemp("leaving"), shared_web_sandbox, now=lambda: AT)
    web.connect()  # a connection that could be lost
    WRITES.clear()

    @sa.event.listens_for(web.runtime.engine, "before_cursor_execute")
    def _executed(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lower().startswith(("select", "pragma")):
            WRITES.append(statement)

    return web


def _refused(web: Web, path: str, form: dict[str, str]) -> None:
    answer = web.browser.post(path, form)
    _is_refused(web, answer.status, answer.body)


def _is_refused(web: Web, status: int, body: str) -> None:
    assert 400 <= status < 500, body
    assert "Traceback" not in body and web.sandbox.app["app_secret"] not in body
    assert WRITES == []


HARD = generated(600, of_each=0.25)  # each of four tests generates a quarter
path_of = st.sampled_from(CALLBACKS)
words = st.text(st.characters(max_codepoint=255), max_size=120)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3), max_leaves=6,
)
payloads = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["user_id", "algorithm", "issued_at", "x"]), json_values, max_size=4)
    .map(lambda claims: json.dumps(claims).encode()),
)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@HARD
@given(path=path_of, body=st.binary(max_size=400), field=st.sampled_from(["signed_request", "x", "signed_request[]"]))
def test_made_up_forms_are_refused(shared_web: Web, path: str, body: bytes, field: str) -> None:
    answer = shared_web.browser.send("POST", path, f"{field}={quote_from_bytes(body)}".encode(), [])
    _is_refused(shared_web, answer.status, answer.body)


@HARD
@given(path=path_of, signature=words, payload=words)
def test_made_up_signatures_are_refused(shared_web: Web, path: str, signature: str, payload: str) -> None:
    _refused(shared_web, path, {"signed_request": f"{signature}.{payload}"})


@HARD
@given(path=path_of, payload=payloads)
def test_invalid_payloads_with_a_valid_signature_are_refused(shared_web: Web, path: str, payload: bytes) -> None:
    """Even with a leaked secret, nothing is stored of a payload without a person or without a current time."""
    text = encoded(payload)
    signature = hmac.new(shared_web.sandbox.app["app_secret"].encode(), text.encode(), hashlib.sha256).digest()
    _refused(shared_web, path, {"signed_request": f"{encoded(signature)}.{text}"})


@HARD
@given(path=path_of, at=st.integers(0, 400), bit=st.integers(0, 7), cut=st.integers(0, 400))
def test_a_valid_request_with_one_bit_changed_or_cut_short_is_refused(shared_web: Web, path: str, at: int, bit: int, cut: int) -> None:
    true = signed_here(shared_web).encode()
    damaged = bytearray(true)
    damaged[at % len(true)] ^= 1 << bit
    short = bytes(damaged)[: cut % len(true)] if cut % 2 else bytes(damaged)
    answer = shared_web.browser.send("POST", path, b"signed_request=" + quote_from_bytes(short).encode(), [])
    _is_refused(shared_web, answer.status, answer.body)


def test_a_valid_request_is_written(shared_web: Web) -> None:
    """Check that the tests above would notice a written row."""
    answer = shared_web.browser.post(CALLBACKS[0], {"signed_request": signed_here(shared_web)})

    assert answer.status == 200 and any("signed_requests" in statement for statement in WRITES)
    WRITES.clear()


def signed_here(web: Web) -> str:
    payload = encoded(json.dumps({"user_id": PERSON, "algorithm": "HMAC-SHA256", "issued_at": int(AT.timestamp())}).encode())
    signature = hmac.new(web.sandbox.app["app_secret"].encode(), payload.encode(), hashlib.sha256).digest()
    return f"{encoded(signature)}.{payload}"


@pytest.fixture
def served(web: Web) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(web.app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_the_sandbox_sends_both_callbacks_as_meta_does(web: Web, served: str) -> None:
    refused = web.sandbox.control("callbacks", {"url": f"{served}{CALLBACKS[0]}", "secret": "wrong"})
    gone = web.sandbox.control("callbacks", {"url": f"{served}{CALLBACKS[0]}", "callback": "deauthorize"})
    deletion = web.sandbox.control("callbacks", {"url": f"{served}{CALLBACKS[1]}"})

    assert refused["status"] == 400 and gone["status"] == 200
    assert deletion["status"] == 200 and set(deletion["body"]) == {"url", "confirmation_code"}
    assert web.runtime.vault.refs() == []


def test_the_thread_of_the_web_process_erases_and_the_page_says_so(web: Web) -> None:
    body = json.loads(web.browser.post(CALLBACKS[1], {"signed_request": signed(web)}).body)
    thread = ErasureThread(web.runtime)

    thread.start()  # as after a restart
    thread.stop()

    page = web.browser.get(f"/deletions/{body['confirmation_code']}")
    assert "Done" in page.body and "Pending" not in page.body
    assert (web.runtime.settings.root / "receipts" / f"{body['confirmation_code']}.json").exists()
    assert web.runtime.vault.refs(retired=True) == [] and list_links(web.runtime.engine) == []
    assert PERSON.encode() not in (web.runtime.settings.root / "control.sqlite").read_bytes()
    unknown = signed(web, user_id="999999999999")  # somebody of whom nothing is stored
    assert web.browser.post(CALLBACKS[1], {"signed_request": unknown}).status == 200
    again = ErasureThread(web.runtime)
    again.start()
    again.stop()
    assert len(list((web.runtime.settings.root / "receipts").iterdir())) == 2


def test_an_erased_node_comes_back_only_with_a_later_consent(tmp_path: Path, sandbox: Sandbox) -> None:
    clock = [AT]
    web = make_web(tmp_path, sandbox, now=lambda: clock[0])
    onboarding = web.connect().header("location").rpartition("/")[2]
    web.runtime.onboard(onboarding)
    for node_id in ("act_1000000005", "3000000000002"):
        callbacks.request_erasure("node", node_id, "test", tokens=web.runtime.vault, engine=web.runtime.engine, now=AT)

    run_erasures(places_of(web.runtime))
    relinking.relink_all(graph=web.runtime.graph, tokens=web.runtime.vault, engine=web.runtime.engine, now=AT)
    ids = {link.id for link in list_links(web.runtime.engine)}
    assert not {"act_1000000005", "3000000000002"} & ids and "act_1000000001" in ids
    assert [ref for ref in web.runtime.vault.refs(retired=True) if ref.subject_id == "3000000000002"] == []
    listed = [asset for assets in business_assets.assets_by_token(web.runtime.engine).values() for asset in assets]
    assert not {"act_1000000005", "3000000000002"} & {asset.node_id for asset in listed} and listed

    clock[0] += dt.timedelta(hours=1)
    web.runtime.onboard(web.connect().header("location").rpartition("/")[2])
    assert "act_1000000005" in {link.id for link in list_links(web.runtime.engine)}


def test_an_erasure_that_fails_does_not_stop_the_next_one(web: Web) -> None:
    request = functools.partial(callbacks.request_erasure, tokens=web.runtime.vault, engine=web.runtime.engine, now=AT)
    failing, other = request("node", "act_404", "test"), request("person", PERSON, "test")

    with pytest.raises(ConfigError, match="nothing is stored"):
        run_erasures(places_of(web.runtime))

    statuses = {each.code: each.status for each in erasures.find_all(web.runtime.engine)}
    assert statuses == {failing: "requested", other: "done"}
