"""A hundred days, walked on a clock: each token gives the alerts it should, once each, to every target."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import json
import socket
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.alerts.due import Alert, threshold_of
from meta_pipeline.alerts.targets import AlertError, Email, Log, Webhook, mail_of, message
from meta_pipeline.consent import invitation
from meta_pipeline.flows import consents, tokens
from meta_pipeline.records import ConfigError
from meta_pipeline.store.schema.connections import alerts as alert_rows
from meta_pipeline.store.schema.connections import invitations as invitation_rows
from meta_pipeline_tests.fakes.frozen_clock import PUBLIC, FrozenRuntime

DAY = dt.timedelta(days=1)


class OnSocket(Controller):
    """A mail server on a socket that is bound already: no port is guessed."""

    listener: socket.socket

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener)


class Mail:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[email.message.EmailMessage] = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.controller = OnSocket(self, hostname="127.0.0.1", port=listener.getsockname()[1])
        self.controller.listener = listener
        self.url = f"smtp://127.0.0.1:{self.controller.port}/?from=etl@example.com&to=ops@example.com,boss@example.com"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Receiver:
    """A webhook that keeps what it is sent; it refuses while `status` says so."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status == 200:
                    receiver.received.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/SECRET"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def mail() -> Iterator[Mail]:
    mail = Mail()
    mail.controller.start()
    yield mail
    mail.controller.stop()


class Walk:
    """Days go by: alerts are looked at four times a day, tokens are checked once."""

    def __init__(self, path: Path, receiver: Receiver, mail: Mail) -> None:
        self.home = FrozenRuntime(path)
        self.start = self.home.clock.at
        self.lines: list[str] = []
        self.receiver, self.mail = receiver, mail
        self.targets = [Log(self.lines.append), Webhook(receiver.url), Email(mail.url)]

    def on(self) -> int:
        return (self.home.clock.at - self.start).days

    def look(self) -> tuple[list[Alert], list[str]]:
        return tokens.alert(
            self.targets, engine=self.runtime.engine, tokens=self.runtime.vault, clicks=self.runtime.clicks,
            now=self.home.clock.now(),
        )

    def days(self, until: int) -> list[tuple[int, str]]:
        """What was told, and on which day, until then."""
        told = []
        while self.on() < until:
            self.home.clock.at += DAY / 4
            if (self.home.clock.at - self.start) % DAY == dt.timedelta(0):
                tokens.check(graph=self.home.client, tokens=self.runtime.vault, now=self.home.clock.now())
            alerts, troubles = self.look()
            assert not troubles
            told += [(self.on(), alert.key.partition(":")[0] + ":" + alert.key.rpartition(":")[2]
                      if not alert.key.startswith("dead") else "dead") for alert in alerts]
        return told

    def everybody_heard_the_same(self, times: int) -> None:
        subjects = [text.partition(". ")[0] for text in self.lines]
        assert len(subjects) == times
        assert Counter(subjects) == Counter(
            one["blocks"][0]["text"]["text"] for one in self.receiver.received)
        assert Counter(subjects) == Counter(
            str(one["subject"]).removeprefix("Meta Pipeline: ") for one in self.mail.received)
        assert max(Counter((one["subject"], one.get_content()) for one in self.mail.received).values(), default=1) == 1


@pytest.fixture
def walk(tmp_path: Path, receiver: Receiver, mail: Mail) -> Walk:
    return Walk(tmp_path, receiver, mail)


def test_a_person_whose_token_is_renewed_hears_of_data_access_only(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))

    assert walk.days(100) == [
        (76, "data_access:14"), (83, "data_access:7"), (87, "data_access:3"), (89, "data_access:1"), (90, "dead")]
    walk.everybody_heard_the_same(5)
    assert "has not used this app for 90 days" in walk.lines[-1] and "Northwind US" in walk.lines[-1]
    assert f"{PUBLIC}/connect?phase=2" in walk.lines[0]


def test_a_person_whose_token_can_not_be_renewed_hears_until_it_ends(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])

    assert walk.days(70) == [(46, "expiry:14"), (53, "expiry:7"), (57, "expiry:3"), (59, "expiry:1"), (60, "dead")]
    walk.everybody_heard_the_same(5)
    assert "has not renewed the consent in time" in walk.lines[-1] and "Northwind US" in walk.lines[-1]
    # The tokens of the Pages outlive it, until their data access ends as well: one voice for the three of them.
    assert walk.days(100) == [
        (76, "data_access:14"), (83, "data_access:7"), (87, "data_access:3"), (89, "data_access:1"), (90, "dead")]
    walk.everybody_heard_the_same(10)
    assert walk.lines[-1].startswith("Tokens of 3 Pages, through Sam Operator,") and "Northwind US" not in walk.lines[-1]


def test_a_system_user_is_renewed_in_silence(walk: Walk):
    walk.home.onboard(walk.home.mint("SYSTEM_USER", days=60))

    assert walk.days(100) == []


def test_a_system_user_that_never_expires_is_never_spoken_of(walk: Walk):
    walk.home.onboard(walk.home.mint("SYSTEM_USER"))

    assert walk.days(100) == []


def test_a_token_that_dies_is_told_at_once_and_nothing_stops_while_another_reads(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.onboard(walk.home.mint("SYSTEM_USER"))
    assert walk.days(10) == []
    walk.home.graph.identity.invalidate(460, "USER")

    assert walk.days(100) == [(11, "dead")]  # one alert for the person and all of their Pages
    walk.everybody_heard_the_same(1)
    assert "changed the password" in walk.lines[0]
    assert "Nothing stops" in walk.lines[0]


def test_whoever_connects_again_starts_anew(walk: Walk):
    ref = walk.home.onboard(walk.home.mint(days=60))
    assert [told for _, told in walk.days(80)] == ["data_access:14"]
    assert walk.home.onboard(walk.home.mint(days=60)).id == ref.id

    assert walk.days(150) == []
    assert [told for _, told in walk.days(171)] == [
        "data_access:14", "data_access:7", "data_access:3", "data_access:1", "dead"]


def test_thresholds_that_passed_together_are_one_alert(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])
    walk.home.clock.at += 58 * DAY

    assert [alert.key.rpartition(":")[2] for alert in walk.look()[0]] == ["3"]
    assert walk.look() == ([], [])


def test_a_target_that_is_down_is_told_later_and_the_others_not_twice(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])
    walk.home.clock.at += 50 * DAY
    walk.receiver.status = 500
    _, troubles = walk.look()
    assert troubles == ["the alert webhook answered HTTP 500"]
    assert (len(walk.lines), len(walk.receiver.received), len(walk.mail.received)) == (1, 0, 1)
    walk.receiver.status = 200
    walk.look()
    walk.look()

    walk.everybody_heard_the_same(1)


def test_disconnecting_is_no_alert(walk: Walk):
    ref = walk.home.onboard(walk.home.mint(days=60))
    tokens.disconnect(ref.id, graph=walk.home.client, tokens=walk.home.vault)

    assert walk.days(100) == []


def test_access_found_by_nobody_else_is_what_stops(walk: Walk):
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.onboard(walk.home.mint("SYSTEM_USER", scopes=("pages_show_list", "pages_read_engagement", "read_insights")))
    walk.home.graph.identity.invalidate(458, "USER")
    tokens.check(graph=walk.home.client, tokens=walk.home.vault, now=walk.home.clock.now())
    ((told,), _) = walk.look()

    assert "Northwind US" in told.stops and "Aroha Outdoor" not in told.stops
    consents.relink_all(graph=walk.home.client, tokens=walk.home.vault, engine=walk.home.engine, now=walk.home.clock.now())


HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from([
        "<!channel>", "<@U123>", "<https://evil.example|click>", "*b*", "_i_", "`c`", "\r\n", "\nBcc: all@x.example",
        "\x1b[31m", "\x07", "\u202e", "\u2028", "&amp;", "@channel", ":tada:", "[b]", "[/b]", "\ud83d", "\x00", "é",
    ]), max_size=8).map("".join),
)


@settings(max_examples=400, deadline=None, database=None)
@given(subject=HOSTILE, stops=st.lists(HOSTILE, max_size=7))
def test_names_from_meta_are_data_in_every_message(subject: str, stops: list[str]):
    alert = Alert("k", ("t",), f"Token of {subject} is dead", f"{subject} left.", "https://x.example/c").about(stops)
    lines: list[str] = []
    Log(lines.append).deliver(alert)
    sent = message(alert)
    written = mail_of(alert, sender="a@x.example", recipients=["b@x.example"])
    read = email.message_from_bytes(written.as_bytes(policy=email.policy.SMTP), policy=email.policy.default)

    (line,) = lines
    # Joiners are the only invisible characters that are left: scripts and emoji need them.
    unsafe = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [one for one in line if unicodedata.category(one) in unsafe and one not in "\u200c\u200d"]
    assert set(read.keys()) == {"Subject", "From", "To", "Auto-Submitted", "Content-Type",
                                "Content-Transfer-Encoding", "MIME-Version"}
    assert read["To"] == "b@x.example" and "\n" not in read["Subject"] and len(read["Subject"]) < 400
    assert not [part for part in read.get_content().splitlines() if part.lower().startswith(("bcc:", "subject:"))]
    for block in sent["blocks"][:2]:
        assert block["text"]["type"] == "plain_text" and block["text"]["emoji"] is False
    texts = [sent["text"], *(block["text"]["text"] for block in sent["blocks"][:2])]
    assert all("<" not in text and ">" not in text for text in texts)
    assert (sent["mrkdwn"], sent["parse"], sent["link_names"]) == (False, "none", False)
    json.loads(json.dumps(sent).encode())


def test_an_address_is_never_told():
    told = Alert("k", ("t",), "Token of Sam is dead", "x", "https://x.example/c")
    for target in (Webhook("http://127.0.0.1:9/services/SECRET"), Email("smtp://u:PASSWORD@127.0.0.1:9/?to=a@b.example")):
        with pytest.raises(AlertError) as caught:
            target.deliver(told)
        assert "SECRET" not in str(caught.value) and "PASSWORD" not in str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_password_is_not_given_to_a_mail_server_without_tls(mail: Mail):
    with pytest.raises(AlertError, match="no TLS"):
        Email(mail.url.replace("127.0.0.1", "u:p@127.0.0.1")).deliver(Alert("k", ("t",), "s", "d", "https://x.example"))
    assert mail.received == []


@pytest.mark.parametrize("url", ["smtp://host", "http://host/?to=a@b", "smtps://:bad/?to=a@b", "smtp://h:x/?to=a@b"])
def test_an_address_that_is_none_is_said(url: str):
    with pytest.raises(ConfigError, match="META_PIPELINE_SMTP_URL"):
        Email(url)
    with pytest.raises(ConfigError, match="META_PIPELINE_ALERT_URL"):
        Webhook("slack.example/x")


@pytest.mark.parametrize(("left", "told"), [
    (dt.timedelta(days=14, seconds=1), None), (dt.timedelta(days=14), 14), (dt.timedelta(days=7, hours=1), 14),
    (dt.timedelta(days=7), 7), (dt.timedelta(days=3), 3), (dt.timedelta(days=1), 1), (dt.timedelta(seconds=1), 1),
    (dt.timedelta(0), None), (-DAY, None),
])
def test_the_last_threshold_counts(left: dt.timedelta, told: int | None):
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)

    assert threshold_of(now + left, now=now) == told


def test_people_are_invited_by_mail_and_webhook_and_nowhere_else(walk: Walk, tmp_path: Path):
    walk.home.clicks = dataclasses.replace(walk.home.clicks, invites=True)
    ref = walk.home.onboard(walk.home.mint(days=60))
    walk.home.graph.identity.invalidate(460, "USER")
    tokens.check(graph=walk.home.client, tokens=walk.home.vault, now=walk.home.clock.now())
    (told,), troubles = walk.look()
    assert not troubles
    links = [walk.receiver.received[0]["blocks"][2]["elements"][0]["url"],
             walk.mail.received[0].get_content().partition("Connect again: ")[2].strip()]
    texts = [parse_qs(urlsplit(link).query)["invitation"][0] for link in links]

    assert len(set(texts)) == 2  # each reader has a link of their own
    for text in texts:
        found = invitation.find(walk.home.engine, text)
        assert (found.subject_id, found.phase) == (ref.subject_id, 2)
        assert found.ends_at - found.issued_at == dt.timedelta(hours=72)
        kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert text.encode() not in kept and text not in walk.lines[0] + told.text + told.url
    with walk.home.engine.connect() as connection:
        assert not [row for row in connection.execute(sa.select(alert_rows.c.text)).scalars() if "invitation" in row]
    assert f"{PUBLIC}/connect?phase=2" in walk.lines[0]


def test_an_invitation_that_reached_nobody_is_withdrawn(walk: Walk):
    walk.home.clicks = dataclasses.replace(walk.home.clicks, invites=True)
    walk.home.onboard(walk.home.mint(days=60))
    walk.home.graph.identity.invalidate(460, "USER")
    tokens.check(graph=walk.home.client, tokens=walk.home.vault, now=walk.home.clock.now())
    walk.receiver.status = 500
    walk.look()

    with walk.home.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(invitation_rows)).scalar() == 1  # the mail's


def test_a_system_user_is_not_invited(walk: Walk):
    walk.home.clicks = dataclasses.replace(walk.home.clicks, invites=True)
    walk.home.onboard(walk.home.mint("SYSTEM_USER"))
    walk.home.graph.identity.invalidate(460, "SYSTEM_USER")
    tokens.check(graph=walk.home.client, tokens=walk.home.vault, now=walk.home.clock.now())
    walk.look()

    assert "invitation" not in walk.receiver.received[0]["text"]
