"""Alerts by mail and webhook have a link with which the token's owner connects again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from harness.frozen_clock import PUBLIC
from meta_pipeline.consent import reconnect_link
from meta_pipeline.flows.connections import tokens
from meta_pipeline.store.schema.connections import alerts as alert_rows
from meta_pipeline.store.schema.people import reconnect_links as link_rows
from meta_pipeline_tests.alerts.conftest import SIGNING_KEY, Walk


def test_people_are_invited_by_mail_and_webhook_and_nowhere_else(walk: Walk, tmp_path: Path) -> None:
    walk.runtime.action_links = dataclasses.replace(walk.runtime.action_links, invites=True)
    ref = walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.graph.identity.invalidate(460, "USER")
    tokens.check_tokens(graph=walk.runtime.client, tokens=walk.runtime.vault, now=walk.runtime.clock.now())
    (alert,), problems = walk.send()
    assert not problems
    links = [walk.receiver.received[0]["blocks"][2]["elements"][0]["url"],
             walk.mail.received[0].get_content().partition("Connect again: ")[2].strip()]
    texts = [parse_qs(urlsplit(link).query)["reconnect"][0] for link in links]

    assert len(set(texts)) == 2  # each reader has a link of their own
    for text in texts:
        invited = reconnect_link.find(walk.runtime.engine, text, key=SIGNING_KEY)
        assert invited
        assert (invited.subject_id, invited.phase) == (ref.subject_id, 2)
        assert invited.ends_at - invited.issued_at == dt.timedelta(hours=72)
        stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert text.encode() not in stored and text not in walk.lines[0] + alert.text + alert.url
    with walk.runtime.engine.connect() as connection:
        stored_texts: list[str] = list(connection.execute(sa.select(alert_rows.c.text)).scalars())
    assert not [text for text in stored_texts if "reconnect=" in text]
    assert f"{PUBLIC}/connect?phase=2" in walk.lines[0]


def test_a_link_that_reached_nobody_is_withdrawn(walk: Walk) -> None:
    walk.runtime.action_links = dataclasses.replace(walk.runtime.action_links, invites=True)
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.graph.identity.invalidate(460, "USER")
    tokens.check_tokens(graph=walk.runtime.client, tokens=walk.runtime.vault, now=walk.runtime.clock.now())
    walk.receiver.status = 500
    walk.send()

    with walk.runtime.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(link_rows)).scalar() == 1  # that of the mail


def test_a_system_user_is_not_invited(walk: Walk) -> None:
    walk.runtime.action_links = dataclasses.replace(walk.runtime.action_links, invites=True)
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER"))
    walk.runtime.graph.identity.invalidate(460, "SYSTEM_USER")
    tokens.check_tokens(graph=walk.runtime.client, tokens=walk.runtime.vault, now=walk.runtime.clock.now())
    walk.send()

    assert "reconnect=" not in walk.receiver.received[0]["text"]
