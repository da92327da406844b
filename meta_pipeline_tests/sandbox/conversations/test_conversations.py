"""Conversations of the sandbox: who may read them, how far back, and what a control call adds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.conversations.edges import READABLE_MESSAGES, SCOPES
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import advance, call, fetch_all, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, page_token

EVERY_SCOPE = tuple({scope for scopes in SCOPES.values() for scope in scopes})


def token(graph: Graph, without: str = "") -> str:
    return page_token(graph, without=without, more=tuple(scope for scope in EVERY_SCOPE if scope != without))


@pytest.mark.parametrize("platform", ["messenger", "INSTAGRAM"])
def test_conversations_are_listed_newest_first_on_each_platform(platform: str) -> None:
    graph = new_graph()
    listed = fetch_all(
        graph, f"{PAGE}/conversations", token=token(graph), platform=platform, limit="7",
        fields="id,updated_time,message_count,unread_count,participants",
    )
    times = [each["updated_time"] for each in listed]

    assert len({each["id"] for each in listed}) == len(listed) == 40
    assert times == sorted(times, reverse=True)
    assert any(each["message_count"] > READABLE_MESSAGES for each in listed)
    assert all(len(each["participants"]["data"]) == 2 for each in listed)


def test_only_the_last_twenty_messages_can_be_read_and_older_ones_are_listed() -> None:
    graph = new_graph()
    page = token(graph)
    long = next(
        each for each in fetch_all(graph, f"{PAGE}/conversations", token=page, fields="id,message_count")
        if each["message_count"] > READABLE_MESSAGES
    )
    _, nested = call(graph, long["id"], token=page, fields="messages.limit(20){id,created_time,from,to,message}")
    every = fetch_all(graph, f"{long['id']}/messages", token=page, limit="50")
    newest, oldest = every[0]["id"], every[-1]["id"]

    assert [each["id"] for each in nested["messages"]["data"]] == [each["id"] for each in every[:20]]
    assert all(each["message"] and each["from"] and each["to"] for each in nested["messages"]["data"])
    assert len(every) == long["message_count"]
    assert call(graph, newest, token=page, fields="message")[0].status == 200
    assert call(graph, oldest, token=page, fields="message")[1]["error"]["code"] == 100
    assert call(graph, oldest, token=page, fields="created_time")[0].status == 200
    assert call(graph, long["id"], token=page, fields="messages.limit(21){message}")[1]["error"]["code"] == 100


@pytest.mark.parametrize(("platform", "scope"), [(name, scope) for name, scopes in SCOPES.items() for scope in scopes])
def test_every_scope_is_needed(platform: str, scope: str) -> None:
    graph = new_graph()
    _, body = call(graph, f"{PAGE}/conversations", token=token(graph, without=scope), platform=platform)

    assert (body["error"]["code"], scope in body["error"]["message"]) == (200, True)


def test_the_page_s_own_token_and_a_task_are_needed() -> None:
    graph = new_graph()
    page = token(graph)
    control(graph, "tasks", {"node": PAGE, "tasks": ["ANALYZE"]}, {})

    assert call(graph, f"{PAGE}/conversations")[1]["error"]["code"] == 190
    assert "MODERATE" in call(graph, f"{PAGE}/conversations", token=page)[1]["error"]["message"]
    control(graph, "tasks", {"node": PAGE, "tasks": ["MODERATE"]}, {})
    assert call(graph, f"{PAGE}/conversations", token=page)[0].status == 200


def test_messages_appear_at_their_time_and_planted_ones_at_once() -> None:
    graph = new_graph()
    page, person = token(graph), {"page_id": PAGE, "person_id": "77", "name": "Ada Planted"}
    planted: Any = control(graph, "conversations", {**person, "text": "call +49 151 0000"}, {})
    advance(graph, minutes=3)
    control(graph, "conversations", {**person, "answer": "we will"}, {})
    _, body = call(
        graph, planted["conversation_id"], token=page, fields="updated_time,messages.limit(20){message,from}"
    )
    _, listing = call(graph, f"{PAGE}/conversations", token=page, limit="1")

    assert [(each["message"], each["from"]["name"]) for each in body["messages"]["data"]] == [
        ("we will", "Northwind"), ("call +49 151 0000", "Ada Planted"),
    ]
    assert listing["data"][0]["id"] == planted["conversation_id"]
    assert dt.datetime.fromisoformat(body["updated_time"]) == graph.now()
