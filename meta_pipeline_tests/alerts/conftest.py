"""Targets that receive alerts, and a simulation of days on which alerts are sent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Email, Log, Target, Webhook
from meta_pipeline.flows.connections import tokens
from meta_pipeline_tests.fakes.alert_receivers import Mail, Receiver

DAY = dt.timedelta(days=1)
SIGNING_KEY = "the app's secret"


class Walk:
    """A simulation of days: alerts are sent four times a day, tokens are checked once."""

    def __init__(self, path: Path, receiver: Receiver, mail: Mail) -> None:
        self.runtime = FrozenRuntime(path)
        self.start = self.runtime.clock.at
        self.lines: list[str] = []
        self.receiver, self.mail = receiver, mail
        self.targets: list[Target] = [Log(self.lines.append), Webhook(receiver.url), Email(mail.url)]

    def day(self) -> int:
        return (self.runtime.clock.at - self.start).days

    def send(self) -> tuple[list[Alert], list[str]]:
        return tokens.send_alerts(
            self.targets, engine=self.runtime.engine, tokens=self.runtime.vault, action_links=self.runtime.action_links,
            signing_key=SIGNING_KEY, now=self.runtime.clock.now(),
        )

    def days(self, until: int) -> list[tuple[int, str]]:
        """Simulate the days until this one; return each delivered alert with its day."""
        delivered = []
        while self.day() < until:
            self.runtime.clock.at += DAY / 4
            if (self.runtime.clock.at - self.start) % DAY == dt.timedelta(0):
                tokens.check_tokens(graph=self.runtime.client, tokens=self.runtime.vault, now=self.runtime.clock.now())
            alerts, problems = self.send()
            assert not problems
            delivered += [(self.day(), alert.key.partition(":")[0] + ":" + alert.key.rpartition(":")[2]
                      if not alert.key.startswith("dead") else "dead") for alert in alerts]
        return delivered

    def assert_every_target_received_the_same(self, times: int) -> None:
        subjects = [text.partition(". ")[0] for text in self.lines]
        assert len(subjects) == times
        assert Counter(subjects) == Counter(
            posted["blocks"][0]["text"]["text"] for posted in self.receiver.received)
        assert Counter(subjects) == Counter(
            str(mail["subject"]).removeprefix("Meta Pipeline: ") for mail in self.mail.received)
        assert max(Counter((mail["subject"], mail.get_content()) for mail in self.mail.received).values(), default=1) == 1


@pytest.fixture
def walk(tmp_path: Path, receiver: Receiver, mail: Mail) -> Walk:
    return Walk(tmp_path, receiver, mail)
