"""Meta's webhooks are verified and bounded, and each change is in the inbox once before the response is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.settings import Settings
from meta_pipeline.store.webhooks.inbox import Entry, Inbox
from meta_pipeline.vault.seal import new_key
from meta_pipeline.web.app import create_app
from meta_pipeline.web.routes.webhooks import MOST_BYTES, MOST_DISCARDED

SECRET, VERIFY_TOKEN = "the app's secret", "a text of our choice"
POST_ID = "3000000000001_122100000059542"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(Settings(
        home=tmp_path, app_id="1", app_secret=SECRET, vault_keys=new_key(), webhook_verify_token=VERIFY_TOKEN,
        _env_file=None))


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    with TestClient(create_app(runtime), base_url="http://localhost:8600", raise_server_exceptions=False) as client:
        yield client


def change(field: str = "feed", **value: Any) -> dict[str, Any]:
    return {"field": field, "value": {"post_id": POST_ID, "item": "post", "verb": "add", **value}}


def payload(*changes: dict[str, Any], object: str = "page", id: str = "3000000000001", time: int = 1_795_000_000) -> bytes:
    return json.dumps({"object": object, "entry": [{"id": id, "time": time, "changes": list(changes)}]}).encode()


def signature(body: bytes, *, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def post(client: TestClient, body: bytes, **headers: str) -> int:
    given = {"x-hub-signature-256": signature(body)} if not headers else {name.replace("_", "-"): text for name, text in headers.items()}
    return client.post("/webhooks", content=body, headers=given).status_code


def rows(runtime: Runtime) -> list[Entry]:
    return Inbox(runtime.engine).find()


def test_the_handshake_returns_the_challenge_for_the_right_verify_token(client: TestClient) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY_TOKEN}
    answer = client.get("/webhooks", params=query)

    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "another"}, {"hub.verify_token": ""}, {"hub.verify_token": "ä"}):
        assert client.get("/webhooks", params={**query, **wrong}).status_code == 403
    assert client.get("/webhooks").status_code == 403
    for strange in ({"hub.mode": "x"}, {"hub.challenge": ""}, {"hub.challenge": "x" * 300}, {"hub.challenge": "a\nb"}):
        assert client.get("/webhooks", params={**query, **strange}).status_code == 400


def test_a_signed_change_is_in_the_inbox_when_the_answer_is_sent(runtime: Runtime, client: TestClient) -> None:
    body = payload(change(message="Ruf mich an: 030 1234567", sender={"id": "77", "name": "Kim Ödegård"}))

    assert post(client, body) == 200
    (entry,) = rows(runtime)
    assert (entry.change.object, entry.change.entry_id, entry.change.field, entry.change.time) == ("page", "3000000000001", "feed", 1_795_000_000)
    assert entry.change.value == {"post_id": POST_ID, "item": "post", "verb": "add"}
    assert (entry.status, len(entry.change.value_digest)) == ("waiting", 64)
    stored = (runtime.settings.root / "control.sqlite").read_bytes() + (runtime.settings.root / "control.sqlite-wal").read_bytes()
    for text in ("1234567", "degård", "Kim"):
        assert text.encode() not in stored


@pytest.mark.parametrize("headers", [
    {},
    {"x-hub-signature": signature(payload(change()), algorithm="sha1")},
    {"x-hub-signature-256": signature(payload(change()), secret="another")},
    {"x-hub-signature-256": signature(payload(change(verb="edit")))},
    {"x-hub-signature-256": signature(payload(change()), algorithm="sha1")},
    {"x-hub-signature-256": "sha256="},
    {"x-hub-signature-256": "sha256=" + "ä" * 64},
    {"x-hub-signature-256": signature(payload(change())).removeprefix("sha256=")},
], ids=["none", "sha1 alone", "another secret", "another body", "sha1 in it", "empty", "no ascii", "without its name"])
def test_a_body_that_meta_did_not_sign_leaves_nothing(runtime: Runtime, client: TestClient, headers: dict[str, str]) -> None:
    sent = {name.encode(): text.encode() for name, text in headers.items()}

    assert client.post("/webhooks", content=payload(change()), headers=sent).status_code == 403
    assert rows(runtime) == []


BROKEN = [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"object":"page"}', b'{"object":1,"entry":[]}',
    b'{"object":"page","entry":{}}', b'{"object":"page","entry":[1]}', b'{"object":"../x","entry":[]}',
    b'{"object":"page","entry":[{"id":"x","time":1,"changes":[]}]}',
    b'{"object":"page","entry":[{"id":"1","changes":[]}]}', b'{"object":"page","entry":[{"id":"1","time":"1","changes":[]}]}',
    b'{"object":"page","entry":[{"id":"1","time":-1,"changes":[]}]}', b'{"object":"page","entry":[{"id":"1","time":1}]}',
    b'{"object":"page","entry":[{"id":"1","time":1,"changes":[{}]}]}', b'{"object":"page","entry":[{"id":"1","time":1,"changes":[1]}]}',
    b'{"object":"page","entry":[{"id":"1","time":1,"changes":[{"field":"feed"},{"field":"<b>"}]}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_signed_body_that_is_no_webhook_stores_nothing(runtime: Runtime, client: TestClient, body: bytes) -> None:
    assert post(client, body) == 400
    assert rows(runtime) == []


def test_the_same_change_is_stored_once_and_another_value_is_another_change(runtime: Runtime, client: TestClient) -> None:
    for body in (payload(change()), payload(change()), payload(change(), change()), payload(change(verb="edit")),
                 payload(change(message="a")), payload(change(), time=2), payload(change(), id="3000000000002")):
        assert post(client, body) == 200

    assert len(rows(runtime)) == 5
    reordered = {"verb": "add", "post_id": POST_ID, "item": "post"}
    assert post(client, payload({"field": "feed", "value": reordered})) == 200
    assert len(rows(runtime)) == 5


def test_a_thousand_changes_come_in_one_body_and_not_more(runtime: Runtime, client: TestClient) -> None:
    changes = [change(post_id=f"3_{number}") for number in range(1001)]

    assert post(client, payload(*changes[:1000])) == 200
    assert len(rows(runtime)) == 1000
    assert post(client, payload(*changes)) == 413
    assert len(rows(runtime)) == 1000


@pytest.mark.parametrize("size", [MOST_BYTES, MOST_BYTES + 1, 2 * MOST_BYTES])
def test_a_body_that_is_too_long_is_refused_and_not_stored(runtime: Runtime, client: TestClient, size: int) -> None:
    body = b" " * size

    assert post(client, body, x_hub_signature_256=f"sha256={hashlib.sha256(body).hexdigest()}") == 413
    assert rows(runtime) == []


def test_a_body_that_declares_to_be_far_too_long_is_not_read(client: TestClient) -> None:
    headers = {"content-length": str(MOST_DISCARDED + 1), "x-hub-signature-256": "sha256=" + "0" * 64}

    assert client.post("/webhooks", content=b"{}", headers=headers).status_code == 413


def test_the_longest_body_is_accepted(runtime: Runtime, client: TestClient) -> None:
    body = payload(change(message="x" * (MOST_BYTES - 400)))

    assert len(body) < MOST_BYTES and post(client, body) == 200
    assert len(rows(runtime)) == 1


@pytest.mark.parametrize(("object", "field", "value", "stored"), [
    ("page", "leadgen", {"leadgen_id": "5", "form_id": 6, "page_id": "1", "created_time": 3, "ad_id": "x"}, {"leadgen_id": "5", "form_id": "6", "page_id": "1"}),
    ("instagram", "story_insights", {"media_id": "17", "reach": 12, "exits": -1, "replies": "3"}, {"media_id": "17", "reach": 12}),
    ("ad_account", "with_issues_ad_objects", {"id": "9", "level": "AD", "error_summary": "Kim"}, {"id": "9", "level": "ad"}),
    ("permissions", "ads_read", {"verb": "revoked", "target_ids": ["1", "x"]}, {"verb": "revoked", "target_ids": ["1"]}),
    ("page", "conversations", {"message": "hello"}, {}), ("page", "feed", "text", {}), ("novelty", "thing", {"id": "1"}, {}),
])
def test_only_ids_verbs_and_figures_of_a_value_are_stored(
    runtime: Runtime, client: TestClient, object: str, field: str, value: Any, stored: dict[str, Any]
) -> None:
    assert post(client, payload({"field": field, "value": value}, object=object)) == 200
    assert [entry.change.value for entry in rows(runtime)] == [stored]


def test_changes_without_values_are_stored_as_well(runtime: Runtime, client: TestClient) -> None:
    body = json.dumps({"object": "user", "entry": [{"id": "1", "uid": "1", "time": 5, "changed_fields": ["photos"]}]}).encode()

    assert post(client, body) == 200
    assert [(entry.change.object, entry.change.field) for entry in rows(runtime)] == [("user", "photos")]


@pytest.mark.parametrize("missing", ["webhook_verify_token", "app_secret"])
def test_the_receiver_names_its_missing_setting(runtime: Runtime, client: TestClient, missing: str) -> None:
    object.__setattr__(runtime.settings, missing, None)
    answer = client.post("/webhooks", content=b"{}", headers={"x-hub-signature-256": signature(b"{}")})

    assert answer.status_code == 503 and f"META_PIPELINE_{missing.upper()}" in answer.text


def test_a_store_that_fails_lets_meta_send_it_again(runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Inbox, "append", full)

    assert post(client, payload(change())) >= 500
