"""Responses are bounded in bytes, depth, time and pages, and each bound has its own error."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.calls.checked_calls import TOKEN
from harness.calls.response_strategies import bomb_answer
from harness.calls.scripted_transport import Clock, Scripted, ScriptedAdapter
from harness.virtual_clock import START
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import (
    BodyTooLargeError,
    CallDeadlineError,
    ConnectionFailedError,
    CursorError,
    GraphError,
    MalformedTokenError,
    NestedTooDeepError,
    RedirectError,
    RepeatedCursorError,
    TooManyPagesError,
    TooMuchDataError,
    TransientError,
    UnreadableAnswerError,
)
from meta_pipeline.graph.http.bounds import CALL_DEADLINE_S
from meta_pipeline.graph.responses import paging
from meta_pipeline.graph.responses.paging import Positions
from meta_pipeline.graph.responses.response import Answer, GraphResponse, answer_of
from meta_pipeline.records import AccessToken
from meta_pipeline_tests.graph.http_server import Client, Server


def answer(body: Any, *, status: int = 200, piece: int = 10_000, delay_s: float = 0.0, **headers: str) -> Scripted:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-length": str(len(content)), **headers}
    head = "\r\n".join([f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items()), "", ""])
    return Scripted(head.encode("latin-1"), content, piece, delay_s)


def scripted(*answers: Scripted) -> tuple[GraphClient, Clock, list[Any]]:
    clock, events = Clock(), list[Any]()
    client = GraphClient(
        graph_url="http://graph.test", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
        audit=events.append, sleep=clock.sleep, now=clock.now, clock=clock.monotonic,
        adapter=ScriptedAdapter(answers, clock),
    )
    return client, clock, events


def page(after: str, rows: int = 1) -> dict[str, Any]:
    return {"data": [{"id": "1"}] * rows, "paging": {"cursors": {"after": after}, "next": "https://x/?after=A"}}


def test_a_repeated_cursor_ends_the_listing() -> None:
    client, _, events = scripted(answer(page("A")))

    with pytest.raises(RepeatedCursorError) as caught:
        list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))
    assert isinstance(caught.value, CursorError) and len(events) == 2


def test_cursors_in_a_circle_end_the_listing_too() -> None:
    client, _, events = scripted(*(answer(page(after)) for after in "ABCABCABC"))

    with pytest.raises(RepeatedCursorError):
        list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))
    assert len(events) == 4


def test_an_empty_page_may_point_to_itself_a_few_times_only() -> None:
    client, _, events = scripted(answer(page("A")), answer(page("A", rows=0)), answer({"data": [{"id": "2"}]}))
    assert len(list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))) == 3

    client, _, events = scripted(answer(page("A", rows=0)))
    with pytest.raises(RepeatedCursorError):
        list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))
    assert len(events) == 1 + paging.MOST_STALLS + 1


@pytest.mark.parametrize("bound", [{"most_pages": 3}, {"most_rows": 300}])
def test_a_listing_without_end_is_too_much_data(bound: dict[str, int]) -> None:
    numbers = itertools.count()

    def get(request: Mapping[str, Any]) -> GraphResponse:
        return GraphResponse(answer_of(200, {}, json.dumps(page(str(next(numbers)))).encode()), "v26.0", START)

    with pytest.raises(TooManyPagesError) as caught:
        list(paging.batches(get, {"limit": 100}, size=None, now=lambda: START, positions=Positions(**bound)))
    assert isinstance(caught.value, TooMuchDataError) and next(numbers) == 3


def test_an_invalid_address_in_paging_next_is_named() -> None:
    client, _, _ = scripted(answer({"data": [{"id": "1"}], "paging": {"next": "http://[::1"}}))

    with pytest.raises(UnreadableAnswerError, match=r"paging\.next"):
        list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))


@pytest.mark.parametrize("kind", ["zeros", "lists", "numbers", "halves", "rows", "few lists", "small emoji"])
def test_a_small_answer_that_decodes_to_a_large_one_is_refused_once(kind: str) -> None:
    answer = bomb_answer(kind)
    assert len(answer.body) < 500_000
    client, _, events = scripted(answer)
    with pytest.raises(BodyTooLargeError) if kind != "small emoji" else contextlib.nullcontext():
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)

    assert len(events) == 1  # the same request would be too large again


@pytest.mark.parametrize(("response", "error"), [
    (bomb_answer("halves"), BodyTooLargeError), (bomb_answer("zeros"), BodyTooLargeError),
    (bomb_answer("members", status=500), TransientError), (answer(b"<html>" + b" " * 2_000_000), UnreadableAnswerError),
    (answer(b"[" * 2_000_000), NestedTooDeepError),
])
def test_an_error_keeps_no_body_in_memory(response: Scripted, error: type[GraphError]) -> None:
    """A frame of its traceback that refers to the error would keep the body until the garbage collector runs."""
    client, _, _ = scripted(response)
    with pytest.raises(error) as caught:
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)

    seen, size = set(), 0
    pending: list[Any] = [caught.value]
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        size += len(value) if isinstance(value, bytes) else 0
        if isinstance(value, BaseException):
            frames = [frame.f_locals for frame, _ in traceback.walk_tb(value.__traceback__)]
            pending += [value.__context__, value.__cause__, *(each for frame in frames[1:] for each in frame.values())]
        elif isinstance(value, Answer):
            pending += [value.body, value.error]
        elif isinstance(value, list):
            pending += value
    assert size < 1_000_000


@pytest.mark.parametrize("drips", ["the body", "the head"])
def test_a_host_that_sends_a_byte_a_second_is_stopped_at_the_deadline(drips: str) -> None:
    slow = answer(b" " * 100_000, piece=1, delay_s=1.0)
    if drips == "the head":
        slow = Scripted(b"HTTP/1.1 200 X\r\nx: " + b"x" * 60_000, b"", 1, 1.0)
    client, clock, events = scripted(slow)

    with pytest.raises(CallDeadlineError):
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)
    assert clock.seconds <= CALL_DEADLINE_S + 1 and len(events) == 1


@pytest.mark.parametrize("body", [
    b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    b'{"data":[' + b"[" * 5_000 + b"]" * 5_000 + b"]}", b'{"error":{"code":1,"message":' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"data":[{"id":"1","a":' + b"[" * 70 + b"]" * 70 + b"}]}",
])
def test_json_that_is_nested_too_deep_has_its_own_error(body: bytes) -> None:
    client, _, _ = scripted(answer(body))

    with pytest.raises(NestedTooDeepError) as caught:
        list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS))
    assert isinstance(caught.value, TransientError)


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    client, _, _ = scripted(answer({"id": "1", "name": '[{"' * 500, "other": "\\" * 7 + '"[[['}))

    assert client.get("1", token=TOKEN, kind=CallKind.IDENTITY).object["id"] == "1"


@pytest.mark.parametrize("location", ["http://[::1", "http://\xff\xfe", "//", ""])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_wherever_it_leads(location: str, status: int) -> None:
    client, _, _ = scripted(answer({"data": []}, status=status, location=location))

    with pytest.raises(RedirectError):
        client.get("me", token=TOKEN, kind=CallKind.IDENTITY)


def test_no_redirect_is_followed(server: Server) -> None:
    other = Server()
    other.say({"data": []})
    server.say({}, status=302, location=f"{other.url}/v24.0/me")
    with pytest.raises(RedirectError):
        Client(server.url).get("me", token=TOKEN, kind=CallKind.IDENTITY)
    other.http.shutdown()
    other.http.server_close()

    assert other.seen == [] and server.seen


def test_a_netrc_password_does_not_replace_the_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.say({"id": "1"})
    Client(server.url).get("me", token=TOKEN, kind=CallKind.IDENTITY)

    assert f"Bearer {TOKEN.value}" == server.seen[0][2]["Authorization"]


@pytest.mark.parametrize("value", ["EAAB\u0142", "EAAB\nx: y", "EAAB x", "", "\ud800"])
def test_a_value_that_cannot_be_a_token_is_not_sent(value: str) -> None:
    client, _, events = scripted(answer({"id": "1"}))

    with pytest.raises(MalformedTokenError, match="characters that no token has"):
        client.get("me", token=AccessToken(kind="user", value=value), kind=CallKind.IDENTITY)
    assert events == []


def _refusing_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


CALLS: dict[str, Callable[[GraphClient], Any]] = {
    "get": lambda client: client.get("me", {"fields": "id"}, token=TOKEN, kind=CallKind.IDENTITY),
    "batches": lambda client: list(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS)),
    "batch": lambda client: client.batch([Operation("1", {}, CallKind.AD_OBJECTS)] * 2, token=TOKEN),
    "oauth": lambda client: client.oauth("debug_token", {"input_token": TOKEN.value}),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_host_that_refuses_is_named_with_its_port_and_the_cause(call: str) -> None:
    url = _refusing_url()
    with pytest.raises(ConnectionFailedError) as caught:
        CALLS[call](Client(f"{url}/?secret=1"))

    expected = f"could not connect to {url} (connection refused): check META_PIPELINE_GRAPH_URL or the network"
    assert str(caught.value).startswith(expected)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("url", "cause"), [
    ("http://nowhere.invalid", "DNS: the host name can't be resolved"), ("https://127.0.0.1:{port}", "TLS"),
])
def test_dns_and_tls_failures_are_named_as_the_cause(server: Server, url: str, cause: str) -> None:
    server.say({})
    with pytest.raises(ConnectionFailedError) as caught:
        Client(url.format(port=server.http.server_port)).get("me", token=TOKEN, kind=CallKind.IDENTITY)

    assert f"({cause}" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b'"a text"', b"[1, 2]", b"{}"])
def test_a_response_of_another_server_names_the_setting_of_the_url(body: bytes) -> None:
    client, _, _ = scripted(answer(body))

    with pytest.raises(UnreadableAnswerError) as caught:
        list(client.batches("me/adaccounts", token=TOKEN, kind=CallKind.AD_ACCOUNTS))
    assert "META_PIPELINE_GRAPH_URL" in str(caught.value)


ERRORS: tuple[type[GraphError], ...] = (
    BodyTooLargeError, CallDeadlineError, NestedTooDeepError, RedirectError, RepeatedCursorError, TooManyPagesError,
    MalformedTokenError, ConnectionFailedError, UnreadableAnswerError,
)


@pytest.mark.parametrize("error", ERRORS)
def test_every_bound_says_what_to_do(error: type[GraphError]) -> None:
    assert error.remedy and str(error("this happened")) == f"this happened: {error.remedy}"


def test_a_chunk_of_an_impossible_size_is_a_failed_connection() -> None:
    head = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\ncontent-encoding: identity\r\n\r\n"
    client, _, _ = scripted(Scripted(head, b"-55066011496323786459463024640\r\n{}\r\n"))

    with pytest.raises(ConnectionFailedError, match="could not be read"):
        client.get("me", token=None, kind=CallKind.IDENTITY)
