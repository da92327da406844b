"""States, alerts and reminders of invitations on a clock that the test moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.alerts.targets import Email, Target, Webhook
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.inviting.alerting import send_invitation_alerts
from meta_pipeline.intake.file import parse_intake
from meta_pipeline.invitations.states import FOLLOWERS, State, parse_life
from meta_pipeline.invitations.texts.wording import LANGUAGES
from meta_pipeline.records import ConfigError
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.people import invitations
from meta_pipeline_tests.fakes.alert_receivers import Mail, Receiver

START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
INTAKE = parse_intake('[tenants.north]\nname = "Northwind"\nnodes = ["act_1"]', source="t")


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


def invite(engine: sa.Engine) -> issuing.IssuedLink:
    return issuing.invite(
        "north", language="en", life=7 * DAY, actor="a test", intake=INTAKE, engine=engine,
        public_url="https://etl.example", now=START,
    )


def send(engine: sa.Engine, targets: list[Target], now: dt.datetime) -> list[str]:
    alerts, problems = send_invitation_alerts(
        targets, intake=INTAKE, engine=engine, public_url="https://etl.example", now=now)
    assert not problems
    return [alert.subject for alert in alerts]


def test_reminders_go_out_after_two_and_five_days_before_it_lapses(engine: sa.Engine, receiver: Receiver, mail: Mail) -> None:
    issued = invite(engine)
    targets: list[Target] = [Webhook(receiver.url), Email(mail.url)]
    sent = []
    for quarter in range(8 * 4 + 1):
        now = START + quarter * DAY / 4
        sent += [(quarter / 4, subject.partition(" of ")[2]) for subject in send(engine, targets, now)]

    assert sent == [
        (0, "Northwind: created"), (2, "Northwind has waited for 2 days"), (5, "Northwind has waited for 5 days"),
        (7, "Northwind: lapsed"),
    ]
    assert len(receiver.received) == len(mail.received) == 4
    secret = issued.url.rpartition("/")[2]
    assert secret not in str(receiver.received) and all(secret not in each.get_content() for each in mail.received)
    assert "https://etl.example/tenants/north" in mail.received[0].get_content()


def test_nobody_is_reminded_after_an_answer_and_each_state_is_reported_once(engine: sa.Engine, mail: Mail) -> None:
    issued = invite(engine)
    opened = issuing.mark_opened(issued.invitation, engine=engine, now=START + DAY)
    assert issuing.decline(opened, engine=engine, now=START + DAY)
    targets: list[Target] = [Email(mail.url)]
    sent = [subject for days in (1, 2, 3, 6, 9) for subject in send(engine, targets, START + days * DAY)]

    assert [subject.rpartition(": ")[2] for subject in sent] == ["created", "opened", "declined"]


def test_a_target_that_was_down_receives_it_later(engine: sa.Engine, receiver: Receiver, mail: Mail) -> None:
    invite(engine)
    receiver.status = 500
    targets: list[Target] = [Webhook(receiver.url), Email(mail.url)]
    _, problems = send_invitation_alerts(targets, intake=INTAKE, engine=engine, public_url="https://x.example", now=START)
    assert len(problems) == 1 and len(mail.received) == 1
    receiver.status = 200
    assert len(send(engine, targets, START + DAY)) == 1
    assert len(mail.received) == 1


def test_only_allowed_transitions_between_states_are_made(engine: sa.Engine) -> None:
    id = invite(engine).invitation.id
    reached: set[tuple[str, str]] = set()
    for before in FOLLOWERS:
        for after in FOLLOWERS:
            invitations.update(engine, id, state=before)
            if issuing.move(engine, id, after, actor="a test", now=START):
                reached.add((before, after))
    allowed: set[tuple[State, State]] = {(before, after) for before, followers in FOLLOWERS.items() for after in followers}
    assert reached == allowed
    assert not FOLLOWERS["revoked"]


def test_issuing_again_reopens_a_lapsed_invitation_and_ends_the_earlier_link(engine: sa.Engine) -> None:
    issued = invite(engine)
    issuing.lapse(engine=engine, now=START + 7 * DAY)
    again = issuing.reissue(issued.invitation.id, actor="a test", engine=engine, public_url="", now=START + 8 * DAY)
    assert again.invitation.state == "created" and again.invitation.ends_at == START + 15 * DAY
    issuing.revoke(again.invitation.id, actor="a test", engine=engine, now=START + 8 * DAY)
    with pytest.raises(ConfigError, match="was revoked"):
        issuing.reissue(again.invitation.id, actor="a test", engine=engine, public_url="", now=START + 8 * DAY)
    with pytest.raises(ConfigError, match="there is no invitation"):
        issuing.revoke("nothing", actor="a test", engine=engine, now=START)
    with pytest.raises(ConfigError, match="there are north"):
        issuing.tenant_of(INTAKE, "south")


@pytest.mark.parametrize(("text", "life"), [("7d", 7 * DAY), ("48h", 2 * DAY), ("1h", DAY / 24), ("90d", 90 * DAY)])
def test_a_life_is_hours_or_days(text: str, life: dt.timedelta) -> None:
    assert parse_life(text) == life


@pytest.mark.parametrize("text", ["", "0d", "91d", "7", "-1d", "7w", "9999999d", "1.5d", "x" * 500])
def test_an_invalid_life_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="from 1h to 90d"):
        parse_life(text)


def test_every_language_has_every_text_with_the_same_placeholders() -> None:
    import string

    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name and name not in ("us", "tenant")}

    english = LANGUAGES["en"]
    for language, texts in LANGUAGES.items():
        assert texts.keys() == english.keys(), language
        odd = {key for key in english if key != "missing_scope" and gaps(texts[key]) != gaps(english[key])}
        assert odd == set(), language
