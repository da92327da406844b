"""The gateway over real HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.errors import (
    RequestError,
    ScopeError,
    ThrottledError,
    TokenError,
    TooMuchDataError,
    TransientError,
)
from meta_pipeline.graph.responses.response import answer_of
from meta_pipeline.graph.retry import TRIES
from meta_pipeline.graph.samples import Samples
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline_tests.graph.http_server import SECRET, TOKEN, Client, Server


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url)


def test_the_token_is_sent_in_a_header_and_the_proof_in_the_query(server: Server, client: Client) -> None:
    server.say({"id": "1"}, x_fb_trace_id="T1", facebook_api_version="v26.0", x_fb_rev="7")
    answer = client.get("act_1", {"fields": ["id", "name"]}, token=TOKEN, kind=CallKind.AD_OBJECTS)
    method, path, headers, _ = server.seen[0]

    assert method == "GET" and path.startswith("/v26.0/act_1?fields=id%2Cname&appsecret_proof=")
    assert f"Bearer {TOKEN.value}" == headers["Authorization"]
    assert TOKEN.value not in path
    assert (answer.trace_id, answer.version) == ("T1", "v26.0")


def test_every_call_leaves_an_audit_line_without_its_query(server: Server, client: Client) -> None:
    server.say({"id": "1"}, x_fb_trace_id="T1", facebook_api_version="v27.0", x_fb_rev="7",
               x_app_usage='{"call_count":28}')
    client.get("act_1", {"fields": "id"}, token=TOKEN, kind=CallKind.AD_OBJECTS)
    event = client.events[0]

    assert (
        event.method, event.path, event.status, event.fbtrace_id, event.fb_rev, event.version) == ("GET", "/v26.0/act_1", 200, "T1", "7", "v27.0")
    assert event.usage == {"app": {"call_count": 28}}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'{"n":"cut \ud83d","i":"1"}', rb'{"n":"cut \ufffd","i":"1"}'),
        (rb'{"n":"\ude00 cut"}', rb'{"n":"\ufffd cut"}'),
        (rb'{"n":"cut \ud83d whole \ud83d\ude00"}', rb'{"n":"cut \ufffd whole \ud83d\ude00"}'),
        (rb'{"n":"cut \ud83d text \\ud83d"}', rb'{"n":"cut \ufffd text \\ud83d"}'),
    ],
)
def test_half_an_emoji_is_replaced_and_its_batch_is_read(sent: bytes, read: bytes) -> None:
    answer = answer_of(200, {}, b'{"data":[' + sent + b'],"paging":{"cursors":{"after":"A"}}}')

    assert answer.error is None and answer.page and [read] == [bytes(raw) for raw in answer.page.data]


def test_paging_continues_after_an_empty_page_and_ends_where_next_is_absent(server: Server, client: Client) -> None:
    def page(ids: list[str], after: str, more: bool) -> dict[str, Any]:
        paging = {"cursors": {"before": "x", "after": after}}
        return {"data": [{"id": i} for i in ids], "paging": {**paging, **({"next": "http://x?access_token=T"} if more else {})}}

    server.say(page(["1", "2"], "A", True), page([], "B", True), page(["3"], "C", False))
    batches = list(client.batches("act_1/ads", {"limit": 2}, token=TOKEN, kind=CallKind.AD_OBJECTS))

    assert [record for batch in batches for record in batch.records] == [b'{"id": "1"}', b'{"id": "2"}', b'{"id": "3"}']
    assert "after=B" in server.seen[2][1]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, b"<html>Bad gateway</html>"),
        (500, b""),
        (200, b'{"data":[{"impress'),
        (200, {"success": False, "is_transient": True}),
        (503, {"error": {"message": "later", "code": 2}}),
        (500, {"error": {"message": "unknown", "code": 1}}),
    ],
)
def test_a_transient_error_is_retried_with_pauses(server: Server, client: Client, status: int, body: Any) -> None:
    server.say(body, status=status)
    with pytest.raises((TransientError, RequestError)):
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)

    if body != {"success": False, "is_transient": True}:
        assert len(server.seen) == TRIES
        assert len(client.pauses) == TRIES - 1 and all(0 < nap <= 8 for nap in client.pauses)


def test_a_post_is_sent_once(server: Server, client: Client) -> None:
    server.say(b"<html>", status=502)
    with pytest.raises(TransientError):
        client.submit("act_1/insights", {"level": "ad"}, token=TOKEN, kind=CallKind.INSIGHTS)

    assert len(server.seen) == 1


def test_a_throttled_error_says_when_to_retry(server: Server, client: Client) -> None:
    usage = '{"1":[{"type":"ads_insights","call_count":100,"estimated_time_to_regain_access":7}]}'
    server.say({"error": {"message": "too many", "code": 80000, "error_subcode": 2446079}}, status=400,
               X_Business_Use_Case_Usage=usage)
    with pytest.raises(ThrottledError) as caught:
        client.get("act_1/insights", token=TOKEN, kind=CallKind.INSIGHTS)

    assert caught.value.retry_after == 420
    assert len(server.seen) == 1


def test_no_error_holds_a_token_or_a_secret(server: Server, client: Client) -> None:
    dead = Client("http://127.0.0.1:9")
    texts: list[str] = []
    for call in (
        lambda: dead.oauth("oauth/access_token", {"client_secret": SECRET, "code": "AQcode"}),
        lambda: dead.get("me", {"access_token": TOKEN.value}, token=TOKEN, kind=CallKind.IDENTITY),
    ):
        with pytest.raises(TransientError) as caught:
            call()
        texts += [str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(caught.value.__context__)]
    server.say({"error": {"message": f"bad token {TOKEN.value} and {SECRET}", "code": 190}}, status=400)
    with pytest.raises(TokenError) as refused:
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)
    texts += [str(refused.value), refused.value.reason, repr(refused.value), repr(client), repr(client.events), repr(dead.events), repr(TOKEN)]

    for text in texts:
        assert TOKEN.value not in text and SECRET not in text and "AQcode" not in text


def test_an_unknown_error_that_persists_counts_as_too_much_data(server: Server, client: Client) -> None:
    server.say({"error": {"message": "An unknown error occurred", "code": 1, "error_subcode": 99}}, status=500)
    with pytest.raises(TooMuchDataError) as raised:
        client.get("act_1/insights", token=TOKEN, kind=CallKind.INSIGHTS)

    assert len(server.seen) == TRIES
    assert raised.value.reason == "(1/99) An unknown error occurred"
    assert str(raised.value) == f"{raised.value.reason}: {TooMuchDataError.remedy}"


def test_a_repeatable_post_is_sent_again(server: Server, client: Client) -> None:
    server.say(b"<html>", {"report_run_id": "7"}, status=502)
    server.answers[1] = (200, {}, server.answers[1][2])
    answer = client.submit("act_1/insights", {}, token=TOKEN, kind=CallKind.INSIGHTS, is_repeatable=True)

    assert answer.data == {"report_run_id": "7"}
    assert len(server.seen) == 2


def test_an_empty_batch_without_paging_is_fetched_once_more(server: Server, client: Client) -> None:
    lost: dict[str, Any] = {"data": []}
    first = {"data": [{"id": "1"}], "paging": {"cursors": {"after": "A"}, "next": "https://x/?after=A&access_token=t"}}
    server.say(first, lost, {"data": [{"id": "2"}]})
    batches = client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS)
    records = [record for batch in batches for record in batch.records]

    assert records == [b'{"id": "1"}', b'{"id": "2"}']
    assert "after=A" in server.seen[2][1]


def test_an_edge_without_cursors_is_paged_with_the_parameters_of_next_but_not_its_token(server: Server, client: Client) -> None:
    following = "https://graph.facebook.com/v24.0/1/feed?limit=1&until=99&__paging_token=p&access_token=stolen"
    server.say({"data": [{"id": "1"}], "paging": {"next": following}}, {"data": [{"id": "2"}]})
    batches = client.batches("1/feed", token=TOKEN, kind=CallKind.IDENTITY)
    records = [record for batch in batches for record in batch.records]

    assert records == [b'{"id": "1"}', b'{"id": "2"}']
    assert "until=99" in server.seen[1][1] and "__paging_token=p" in server.seen[1][1]
    assert "stolen" not in server.seen[1][1]


def test_a_batch_returns_responses_in_order_and_repeats_operations_without_one(server: Server, client: Client) -> None:
    def answer(body: dict[str, Any], code: int = 200) -> dict[str, Any]:
        return {"code": code, "headers": [{"name": "facebook-api-version", "value": "v26.0"}], "body": json.dumps(body)}

    gone = {"error": {"message": "gone", "code": 100, "error_subcode": 33}}
    server.say([answer({"id": "1"}), None, answer(gone, 400)], [answer({"id": "2"})])
    responses = client.batch([Operation(str(n), {"fields": "id"}, CallKind.AD_OBJECTS) for n in (1, 2, 3)], token=TOKEN)

    assert [getattr(response, "data", type(response)) for response in responses] == [{"id": "1"}, {"id": "2"}, ScopeError]
    requested = parse_qs(server.seen[1][3].decode())["batch"][0]
    assert [operation["relative_url"] for operation in json.loads(requested)] == ["v26.0/2?fields=id"]
    assert [event.operations for event in client.events] == [3, 1]
    assert len(client.pauses) == 1


def test_a_call_whose_scope_is_missing_is_never_sent(server: Server, client: Client) -> None:
    server.say({"data": []})
    blind = AccessToken(kind="user", value="EAABother", scopes=frozenset({"pages_show_list"}))
    with pytest.raises(ScopeError, match="ads_read"):
        client.get("act_1/insights", token=blind, kind=CallKind.INSIGHTS)
    with pytest.raises(ConfigError, match="META_PIPELINE_FEATURES"):
        client.write(WriteKind.AD_CREATION, "act_1/ads", {"name": "x"}, token=TOKEN, plan_id="1")

    assert server.seen == []


def test_samples_are_bounded_and_redacted(server: Server, tmp_path: Path) -> None:
    client = Client(server.url, samples=Samples(tmp_path, most=2))
    url = f"https://graph.facebook.com/x?access_token={TOKEN.value}&after=A"
    server.say({"data": [], "paging": {"next": url}, "access_token": "EAABpagetoken"})
    for _ in range(3):
        client.get("me/accounts", {"code": "AQsecretcode"}, token=TOKEN, kind=CallKind.IDENTITY)
    samples = [file.read_text() for file in tmp_path.iterdir()]

    assert len(samples) == 2
    for text in samples:
        assert "me/accounts" in text
        assert not any(secret in text for secret in (TOKEN.value, "EAABpagetoken", "AQsecretcode", SECRET))


@pytest.mark.parametrize("kind", [kind for kind in CallKind if kind.value.is_personal])
def test_no_sample_of_a_personal_response_is_stored(server: Server, tmp_path: Path, kind: CallKind) -> None:
    features = {kind.value.feature or "", "leads", "conversations"} - {""}
    client = Client(server.url, samples=Samples(tmp_path, most=9), features=features)
    server.say({"data": [{"field_data": [{"name": "email", "values": ["ada@example.com"]}]}]})
    page_token = AccessToken(kind="page", value="EAABpage")
    client.get("1/leads", token=page_token, kind=kind)
    client.get("me", token=page_token, kind=CallKind.IDENTITY)

    assert ['"/v24.0/me"' in file.read_text() for file in tmp_path.iterdir()] == [True]


@pytest.mark.parametrize("ending", ["hang", "reset"])
def test_a_server_that_hangs_or_resets_is_a_transient_error(ending: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    open_connections: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if ending == "hang":
                    open_connections.append(connection)
                else:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()

    threading.Thread(target=serve, daemon=True).start()
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", read_timeout_s=0.1)
    with pytest.raises(TransientError) as caught:
        client.get("me", {"fields": "id"}, token=TOKEN, kind=CallKind.IDENTITY)
    listener.close()

    assert len(client.events) == TRIES and client.events[0].status is None
    assert TOKEN.value not in str(caught.value) and "fields" not in str(caught.value)


def test_a_record_that_is_not_utf_8_can_be_read_by_every_parser(server: Server, client: Client) -> None:
    server.answers.append((200, {}, b'{"data":[{"id":"1","name":"caf\xff"},{"id":"2","name":"caf\xc3\xa9"}]}'))
    batches = client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS)
    records = [json.loads(record) for batch in batches for record in batch.records]

    assert records == [{"id": "1", "name": "caf\ufffd"}, {"id": "2", "name": "café"}]
