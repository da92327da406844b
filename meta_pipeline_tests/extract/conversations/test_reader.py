"""Conversations are read as far as Meta lets an app read them, each again only when it changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.sandbox import Sandbox
from meta_pipeline.extract.conversations.conversation import parse_message, parse_summary
from meta_pipeline.extract.conversations.reader import PLATFORMS, READABLE_MESSAGES, ConversationReader, ReadBefore
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import AccessToken
from meta_pipeline_tests.graph.http_server import Server

PAGE, INSTAGRAM = "3000000000001", "17841400000000001"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
ADA = {"id": "77", "name": "Ada Planted", "email": "77@facebook.com"}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def client(url: str) -> GraphClient:
    return GraphClient(
        graph_url=url, app_id="1", app_secret=None, graph_version="v26.0", marketing_version="v26.0",
        audit=lambda event: None, sleep=lambda pause: None, features={"conversations"},
    )


def reader(url: str, token: str, platform: str = "messenger") -> ConversationReader:
    return ConversationReader(
        page_id=PAGE, platform=platform, own_ids=frozenset({PAGE, INSTAGRAM}), graph=client(url),
        token=AccessToken(kind="page", value=token),
    )


def listed(*ids: str, count: int = 3) -> dict[str, Any]:
    return {"data": [
        {"id": id, "updated_time": "2026-11-20T10:00:00+0000", "message_count": count, "participants": {"data": [ADA]}}
        for id in ids
    ]}


def message(id: str, sender: str = "77") -> dict[str, Any]:
    return {
        "id": id, "created_time": "2026-11-20T10:00:00+0000", "from": {**ADA, "id": sender}, "message": "call me",
        "to": {"data": [{"id": PAGE, "name": "Northwind"}]},
    }


def batch(*answers: Any) -> list[dict[str, Any]]:
    return [
        {"code": 400 if "error" in answer else 200, "headers": [], "body": json.dumps(answer)} for answer in answers
    ]


REFUSED = {"error": {"message": "(#100) too old", "code": 100, "error_subcode": 33, "fbtrace_id": "x"}}


def test_a_conversation_that_meta_refuses_as_a_whole_is_read_message_by_message(server: Server) -> None:
    server.say(
        listed("t_1", "t_2", count=21), batch(REFUSED, {"messages": {"data": [message("m_9", PAGE)]}}),
        {"data": [{"id": "m_1"}, {"id": "m_2"}]}, batch(message("m_1"), REFUSED),
    )
    first, second = reader(server.url, "EAABpage").read(read_before={}, since=LONG_AGO)

    assert [(each.id, each.is_from_page, each.text) for each in first.messages] == [("m_1", False, "call me")]
    assert (first.unreadable, first.error) == (20, None)
    assert [(each.id, each.is_from_page) for each in second.messages] == [("m_9", True)]
    assert second.unreadable == 20


def test_a_conversation_that_cannot_be_read_stops_no_other(server: Server) -> None:
    server.say(listed("t_1", "t_2"), batch(REFUSED, {"messages": {"data": []}}), REFUSED, {"data": []})
    server.answers[2] = (400, *server.answers[2][1:])
    first, second = reader(server.url, "EAABpage").read(read_before={}, since=LONG_AGO)

    assert first.error is not None and first.error.code == 100 and first.messages == ()
    assert (second.error, second.unreadable) == (None, 3)


def test_a_dead_token_ends_the_read(server: Server) -> None:
    dead = {"error": {"message": "expired", "code": 190, "error_subcode": 463, "fbtrace_id": "x"}}
    server.say(listed("t_1"), batch(dead))

    with pytest.raises(TokenError):
        list(reader(server.url, "EAABpage").read(read_before={}, since=LONG_AGO))


def test_nothing_is_requested_of_a_conversation_that_did_not_change(server: Server) -> None:
    server.say(listed("t_1"))
    at = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    before = ReadBefore(updated_at=at, message_count=3, read_at=at + dt.timedelta(minutes=2))

    assert list(reader(server.url, "EAABpage").read(read_before={"t_1": before}, since=LONG_AGO)) == []
    assert list(reader(server.url, "EAABpage").read(read_before={}, since=at + dt.timedelta(seconds=1))) == []
    assert [method for method, *_ in server.seen] == ["GET", "GET"]


def test_a_conversation_that_changed_within_the_second_of_its_read_is_read_again() -> None:
    at = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    before = ReadBefore(updated_at=at, message_count=3, read_at=at + dt.timedelta(minutes=2))
    summary = parse_summary(listed("t_1")["data"][0])
    assert summary is not None

    assert not before.has_changed(summary)
    assert dataclasses.replace(before, read_at=at + dt.timedelta(seconds=1)).has_changed(summary)
    assert before.has_changed(dataclasses.replace(summary, message_count=4))
    assert before.has_changed(dataclasses.replace(summary, updated_at=at + dt.timedelta(seconds=1)))


@pytest.mark.parametrize("strange", [
    None, 7, [], {}, {"id": 7}, {"id": "t_1"}, {"id": "t_1", "updated_time": "yesterday"},
    {"id": "t_1", "created_time": "2026-11-20T10:00:00", "updated_time": "2026-11-20T10:00:00"},
])
def test_invalid_conversations_and_messages_are_left_out(strange: Any) -> None:
    assert parse_summary(strange) is None
    assert parse_message(strange, {PAGE}) is None


def test_every_field_but_id_and_time_may_be_absent_or_strange() -> None:
    bare = {"id": "m_1", "created_time": "2026-11-20T10:00:00+0000"}
    summary = parse_summary({
        "id": "t_1", "updated_time": "2026-11-20T10:00:00+0000", "message_count": "many", "participants": [ADA],
    })
    unknown = parse_message(bare, {PAGE})
    strange = parse_message({**bare, "from": [ADA], "to": {"data": ["x", {"id": 4}]}, "message": {"x": 1}}, {PAGE})

    assert summary is not None and (summary.message_count, summary.participants) == (None, ())
    assert unknown is not None and (unknown.is_from_page, unknown.text, unknown.people) == (None, "", ())
    assert strange is not None and (strange.is_from_page, strange.text, strange.people) == (None, "", ({},))


def test_no_repr_shows_what_a_person_wrote() -> None:
    parsed = parse_message(message("m_1"), {PAGE})

    assert "m_1" in repr(parsed)
    assert not any(secret in repr(parsed) for secret in ("call me", "Ada", "77"))
    assert "Ada" not in repr(parse_summary(listed("t_1")["data"][0]))


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_message_that_can_be_read_is_read(shared_sandbox: Sandbox, platform: str) -> None:
    scopes = sorted({scope for kind in PLATFORMS.values() for scope in kind.value.all_scopes})
    person = AccessToken(kind="user", value=shared_sandbox.token(scopes=[*scopes, "pages_show_list"]))
    pages = client(shared_sandbox.url).get(
        "me/accounts", {"fields": "id,access_token"}, token=person, kind=CallKind.PAGES
    ).rows
    token = next(page["access_token"] for page in pages if page["id"] == PAGE)
    results = list(reader(shared_sandbox.url, token, platform).read(read_before={}, since=LONG_AGO))
    counts = [each.summary.message_count or 0 for each in results]

    assert len(results) == len({each.summary.id for each in results}) == 40
    assert [len(each.messages) for each in results] == [min(count, READABLE_MESSAGES) for count in counts]
    assert [each.unreadable for each in results] == [max(0, count - READABLE_MESSAGES) for count in counts]
    assert max(counts) > READABLE_MESSAGES
    assert all(message.is_from_page is not None for each in results for message in each.messages)
    assert any(message.is_from_page for each in results for message in each.messages)
