"""Alerts about failed checks of the published data: one when a check fails, and one when it passes again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import Email, Log, Target, Webhook
from meta_pipeline.flows.failed_checks import send_check_alerts
from meta_pipeline.status.check_failures import check_failures
from meta_pipeline.store.connections import alerts
from meta_pipeline.store.engine import open_store
from meta_pipeline_tests.fakes.alert_receivers import Mail, Receiver
from meta_pipeline_tests.fakes.failed_checks import DOUBLED, Failure, publish_failures

URL = "https://etl.example"
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NEXT_DAY: Failure = ("7", "doubled_rows", "ad_insights", "2026-11-02", "3 of 9 rows have the key of another")
LOST: Failure = ("7", "lost_value", "ad_insights_by_country", "2026-11-02", "1 values are no number, such as spend 1,5")
PAGE: Failure = ("81", "lost_value", "page_posts", "2026-11-02", "1 values are no number")


class Published:
    """A published file, and three targets that receive the alerts about it."""

    def __init__(self, path: Path, receiver: Receiver, mail: Mail) -> None:
        self.file, self.engine = str(path / "published" / "warehouse.duckdb"), open_store(f"sqlite:///{path / 'c.sqlite'}")
        self.lines: list[str] = []
        self.receiver, self.mail = receiver, mail
        self.targets: list[Target] = [Log(self.lines.append), Webhook(receiver.url), Email(mail.url)]

    def send(self) -> tuple[list[Alert], list[str]]:
        return send_check_alerts(self.targets, check_failures(self.file), engine=self.engine, url=URL, now=NOW)

    def subjects(self, *failures: Failure) -> list[str]:
        """Publish these failures, send, and return the subjects of the alerts."""
        publish_failures(self.file, failures)
        sent, problems = self.send()
        assert not problems
        assert len(self.lines) == len(self.receiver.received) == len(self.mail.received)
        return [alert.subject for alert in sent]


@pytest.fixture
def published(tmp_path: Path, receiver: Receiver, mail: Mail) -> Published:
    return Published(tmp_path, receiver, mail)


def test_a_failure_is_reported_once_when_it_begins_and_once_when_it_ends(published: Published) -> None:
    fails, passes = "The data of ad account 7 (Northwind) fails doubled_rows", "Checks pass again: 7"

    assert published.send() == ([], [])  # nothing is published yet
    assert published.subjects() == []
    assert published.subjects(DOUBLED) == [fails]
    assert published.subjects(DOUBLED) == published.subjects(DOUBLED, NEXT_DAY) == []
    assert published.subjects() == [passes]
    assert published.subjects() == []
    assert published.subjects(NEXT_DAY) == [fails]  # it fails again
    assert "no longer fail: doubled_rows of ad_insights, 7." in published.lines[1] and URL in published.lines[1]


def test_a_failure_names_the_account_the_check_the_days_and_the_remedy(published: Published) -> None:
    published.subjects(DOUBLED, NEXT_DAY)

    assert published.lines[0] == (
        "The data of ad account 7 (Northwind) fails doubled_rows. Ad account 7 (Northwind): doubled_rows of ad_insights "
        "fails on 2 days, 2026-11-01 to 2026-11-02: 3 of 9 rows have the key of another. Remedy: `meta-pipeline rebuild` "
        "loads its landed days again, without a call. Readers see its latest rows; marts.account_status marks it. No other "
        "account is affected. https://etl.example")
    assert published.receiver.received[0]["blocks"][2]["elements"][0] == {
        "type": "button", "text": {"type": "plain_text", "text": "Look at it", "emoji": False}, "url": URL}
    assert "Look at it: https://etl.example" in published.mail.received[0].get_content()


def test_an_alert_says_that_its_account_is_held_back(published: Published) -> None:
    publish_failures(published.file, [DOUBLED], is_held_back=True)
    published.send()

    assert "It is held back: readers see its last good rows, or none." in published.lines[0]


def test_new_failures_of_one_node_are_one_alert_and_name_what_is_new(published: Published) -> None:
    published.subjects(DOUBLED)

    assert published.subjects(DOUBLED, LOST, PAGE) == [
        "The data of ad account 7 (Northwind) fails lost_value", "The data of Page 81 (Northwind) fails lost_value"]
    assert published.subjects(LOST) == ["Checks pass again: 7, 81"]
    assert {key for key, _ in alerts.delivered(published.engine)} == {"check:7:lost_value:ad_insights_by_country"}


def test_a_target_that_is_down_receives_it_later_and_the_others_not_twice(published: Published) -> None:
    publish_failures(published.file, [DOUBLED])
    published.receiver.status = 500
    assert published.send()[1] == ["the alert webhook answered HTTP 500"]
    published.receiver.status = 200
    published.send()
    published.send()
    assert (len(published.lines), len(published.receiver.received), len(published.mail.received)) == (1, 1, 1)

    publish_failures(published.file, [])
    published.receiver.status = 500
    published.send()
    published.receiver.status = 200
    published.send()
    assert (len(published.lines), len(published.receiver.received), len(published.mail.received)) == (2, 2, 2)


def test_a_target_that_was_down_during_the_whole_failure_receives_neither_alert(published: Published) -> None:
    publish_failures(published.file, [DOUBLED])
    published.receiver.status = 500
    published.send()
    publish_failures(published.file, [])
    published.receiver.status = 200
    published.send()

    assert (len(published.lines), len(published.receiver.received)) == (2, 0)


@pytest.mark.parametrize("put", [
    lambda text: ([DOUBLED], text), lambda text: ([(*DOUBLED[:4], text)], "Northwind"),
], ids=["name", "detail"])
def test_text_from_meta_injects_nothing_into_an_alert(published: Published, put: Callable[[str], tuple[list[Failure], str]]) -> None:
    failures, name = put("<!channel>\r\nBcc: all@x.example\x1b[31m\u202e")
    publish_failures(published.file, failures, name=name)
    published.send()

    (line,), (posted,), (mail,) = published.lines, published.receiver.received, published.mail.received
    assert not {"\r", "\n", "\x1b", "\u202e"} & set(line)
    assert mail["Bcc"] is None and mail["To"] == "ops@example.com, boss@example.com"
    assert "<!" not in str(posted) and "&lt;!channel&gt;" in posted["text"]
