"""The sandbox delivers webhooks as Meta does, including repeated, reordered, late, lost and forged ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harness.virtual_clock import START
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.webhooks.subscriptions import AppSubscription


class Receiver:
    """A receiver that answers with a status of the test's choice."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[bytes, dict[str, str]]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append((body, {name.lower(): text for name, text in self.headers.items()}))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks"

    def changes(self) -> list[Any]:
        return [
            change["value"] for body, _ in self.received
            for entry in json.loads(body)["entry"] for change in entry["changes"]
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def graph() -> Graph:
    graph = Graph(seed=1, now=START)
    return graph


def deliver(graph: Graph, receiver: Receiver, count: int = 3, **how: Any) -> dict[str, Any]:
    changes = [
        {"object": "page", "entry_id": "3", "field": "feed", "value": {"n": number}, "time": 1000 + number} for number in range(count)
    ]
    answer: dict[str, Any] = control(graph, "webhooks", {"changes": changes, "url": receiver.url, **how}, {})
    return answer


def is_signed(graph: Graph, body: bytes, headers: dict[str, str]) -> bool:
    expected = hmac.new(graph.identity.secret.encode(), body, hashlib.sha256).hexdigest()
    return headers.get("x-hub-signature-256") == f"sha256={expected}"


def test_changes_are_delivered_signed_in_one_body(graph: Graph, receiver: Receiver) -> None:
    assert deliver(graph, receiver)["accepted"] == 1
    ((body, headers),) = receiver.received

    assert is_signed(graph, body, headers) and [value["n"] for value in receiver.changes()] == [0, 1, 2]


@pytest.mark.parametrize(("how", "numbers"), [
    ({"copies": 2}, [0, 1, 2, 0, 1, 2]), ({"reversed": True}, [2, 1, 0]), ({"lost": True}, []), ({"batch": 1}, [0, 1, 2]),
    ({"send": False}, []), ({"delay_s": 60}, []),
])
def test_changes_are_delivered_repeated_reordered_late_or_never(graph: Graph, receiver: Receiver, how: dict[str, Any], numbers: list[int]) -> None:
    deliver(graph, receiver, **how)
    assert [value["n"] for value in receiver.changes()] == numbers
    graph.fixed_now = START + dt.timedelta(seconds=60)
    control(graph, "webhooks", {}, {})

    is_late = "send" in how or "delay_s" in how
    assert [value["n"] for value in receiver.changes()] == ([0, 1, 2] if is_late else numbers)


def test_a_body_has_at_most_a_thousand_changes(graph: Graph, receiver: Receiver) -> None:
    deliver(graph, receiver, count=2500)

    assert [len(json.loads(body)["entry"]) for body, _ in receiver.received] == [1000, 1000, 500]


@pytest.mark.parametrize("how", [{"forged": True}, {"unsigned": True}, {"sha1": True}])
def test_a_forged_body_has_no_valid_signature(graph: Graph, receiver: Receiver, how: dict[str, Any]) -> None:
    deliver(graph, receiver, **how)
    ((body, headers),) = receiver.received

    assert not is_signed(graph, body, headers)


def test_a_refused_delivery_is_retried_for_36_hours_and_then_the_subscription_is_off(graph: Graph, receiver: Receiver) -> None:
    receiver.status = 503
    graph.webhooks.subscriptions.of_app["page"] = AppSubscription(object="page", callback_url=receiver.url, fields=["feed"])
    deliver(graph, receiver, count=1)
    while graph.webhooks.deliveries.waiting:
        graph.fixed_now = graph.webhooks.deliveries.waiting[0].due_at
        answer = control(graph, "webhooks", {}, {})
    hours = (graph.now() - START) / dt.timedelta(hours=1)

    assert 35 <= hours <= 36 and 20 < len(receiver.received) < 60
    assert answer["subscriptions"]["app"][0]["active"] is False


def test_a_delivery_that_was_accepted_is_not_repeated(graph: Graph, receiver: Receiver) -> None:
    receiver.status = 500
    deliver(graph, receiver)
    receiver.status = 200
    for hours in (1, 2):
        graph.fixed_now = START + dt.timedelta(hours=hours)
        control(graph, "webhooks", {}, {})

    assert len(receiver.received) == 2
