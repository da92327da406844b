"""The messages that targets deliver: names from Meta inject nothing, and no error shows an address."""

from __future__ import annotations

import email
import email.policy
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import AlertError, Email, Log, Webhook, mail_of, message
from meta_pipeline.records import ConfigError
from meta_pipeline_tests.fakes.alert_receivers import Mail

HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from([
        "<!channel>", "<@U123>", "<https://evil.example|click>", "*b*", "_i_", "`c`", "\r\n", "\nBcc: all@x.example",
        "\x1b[31m", "\x07", "\u202e", "\u2028", "&amp;", "@channel", ":tada:", "[b]", "[/b]", "\ud83d", "\x00", "é",
    ]), max_size=8).map("".join),
)


@settings(max_examples=400, database=None)
@given(subject=HOSTILE, stops=st.lists(HOSTILE, max_size=7))
def test_names_from_meta_inject_nothing_into_any_message(subject: str, stops: list[str]) -> None:
    alert = Alert(
        key="k", token_refs=("t",), subject=f"Token of {subject} is dead", detail=f"{subject} left.",
        url="https://x.example/c",
    ).about(stops)
    lines: list[str] = []
    Log(lines.append).deliver(alert)
    sent = message(alert)
    written = mail_of(alert, sender="a@x.example", recipients=["b@x.example"])
    read = email.message_from_bytes(written.as_bytes(policy=email.policy.SMTP), policy=email.policy.default)

    (line,) = lines
    # Joiners are the only invisible characters that are left: scripts and emoji need them.
    unsafe = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [char for char in line if unicodedata.category(char) in unsafe and char not in "\u200c\u200d"]
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


def test_no_error_shows_an_address() -> None:
    alert = Alert(key="k", token_refs=("t",), subject="Token of Sam is dead", detail="x", url="https://x.example/c")
    for target in (Webhook("http://127.0.0.1:9/services/SECRET"), Email("smtp://u:PASSWORD@127.0.0.1:9/?to=a@b.example")):
        with pytest.raises(AlertError) as caught:
            target.deliver(alert)
        assert "SECRET" not in str(caught.value) and "PASSWORD" not in str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_password_is_not_sent_to_a_mail_server_without_tls(mail: Mail) -> None:
    with pytest.raises(AlertError, match="no TLS"):
        Email(mail.url.replace("127.0.0.1", "u:p@127.0.0.1")).deliver(
            Alert(key="k", token_refs=("t",), subject="s", detail="d", url="https://x.example")
        )
    assert mail.received == []


@pytest.mark.parametrize("url", ["smtp://host", "http://host/?to=a@b", "smtps://:bad/?to=a@b", "smtp://h:x/?to=a@b"])
def test_an_invalid_address_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_SMTP_URL"):
        Email(url)
    with pytest.raises(ConfigError, match="META_PIPELINE_ALERT_URL"):
        Webhook("slack.example/x")
