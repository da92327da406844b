"""The targets of alerts: a line in the log, a webhook with Slack's JSON, an e-mail. No error shows an address."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from meta_pipeline.alerts.due import Alert
from meta_pipeline.records import ConfigError, MetaPipelineError

TIMEOUT_S = 10.0
_LOG = logging.getLogger("meta_pipeline.alerts")


class AlertError(MetaPipelineError):
    """An alert could not be delivered to a target; it is tried again."""


class Target(Protocol):
    """A destination of alerts. `name` is recorded with each delivery; `is_personal`: what it delivers reaches people
    and is written to no log, so that it may carry a reconnect link."""

    name: str
    is_personal: bool

    def deliver(self, alert: Alert) -> None:
        """Deliver the alert; raise AlertError when the target could not be reached."""


class Log:
    """A warning in the log of the process."""

    name = "log"
    is_personal = False

    def __init__(self, write: Callable[[str], None] = _LOG.warning) -> None:
        self._write = write

    def deliver(self, alert: Alert) -> None:
        """Write one line."""
        self._write(alert.text)


class Webhook:
    """An incoming webhook of Slack, or of a service that accepts the same JSON. The URL is a secret."""

    name = "webhook"
    is_personal = True

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("META_PIPELINE_ALERT_URL must start with http:// or https://")
        self._url = url

    def deliver(self, alert: Alert) -> None:
        """Post the alert; raise AlertError for anything but a 2xx."""
        try:
            answer = requests.post(self._url, json=message(alert), timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:  # its text holds the URL
            raise AlertError(f"the alert webhook can't be reached ({type(error).__name__})") from None
        if not 200 <= answer.status_code < 300:
            raise AlertError(f"the alert webhook answered HTTP {answer.status_code}")


def message(alert: Alert) -> dict[str, Any]:
    """Return the alert as a message of Slack: plain text, so that nothing in a name from Meta acts as markup, as a
    mention or as a link."""
    subject, detail, consequence, url = (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for text in (alert.subject, alert.detail, alert.consequence, alert.url)
    )
    return {
        # Shown in notifications, and by servers that don't support blocks.
        "text": f"{subject}. {detail} {consequence} {url}", "mrkdwn": False, "parse": "none", "link_names": False,
        "blocks": [
            {"type": "section", "text": _plain(subject)},
            {"type": "section", "text": _plain(f"{detail}\n{consequence}")},
            {
                "type": "actions",
                "elements": [{"type": "button", "text": _plain(alert.action), "url": alert.url}],
            },
        ],
    }


def _plain(text: str) -> dict[str, Any]:
    """Return a text object of Slack without markup, of at most 3,000 characters."""
    return {"type": "plain_text", "text": text[:3000], "emoji": False}


class Email:
    """A mail server, from `smtp[s]://user:password@host:port/?from=…&to=…,…`; `smtp` uses STARTTLS if the server
    offers it, and sends no password without TLS."""

    name = "email"
    is_personal = True

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        query = parse_qs(split.query)
        self._to = [address.strip() for text in query.get("to", ()) for address in text.split(",") if address.strip()]
        self._from = query.get("from", ["meta-pipeline@localhost"])[0]
        try:
            port = split.port
        except ValueError:
            port = -1
        if split.scheme not in ("smtp", "smtps") or not split.hostname or not self._to or port == -1:
            raise ConfigError(
                "META_PIPELINE_SMTP_URL must look like smtps://user:password@host:465/?from=a@example.com&to=b@example.com"
            )
        self._is_tls, self._host = split.scheme == "smtps", split.hostname
        self._port = port or (465 if self._is_tls else 25)
        self._user, self._password = unquote(split.username or ""), unquote(split.password or "")

    def deliver(self, alert: Alert) -> None:
        """Send the alert as a mail; raise AlertError when the server does not accept it."""
        self.deliver_to(self._to, alert)

    def deliver_to(self, recipients: Sequence[str], alert: Alert) -> None:
        """Send the alert to these addresses instead of the setting's."""
        mail = mail_of(alert, sender=self._from, recipients=recipients)
        context = ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
                if self._is_tls else smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
            ) as server:
                server.ehlo_or_helo_if_needed()
                if not self._is_tls and server.has_extn("starttls"):
                    server.starttls(context=context)
                    server.ehlo()
                elif not self._is_tls and self._user:
                    raise AlertError("the mail server offers no TLS: no password is sent without TLS")
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:  # an SMTP answer may repeat the addresses
            raise AlertError(
                f"the mail server can't be reached or refuses the mail ({type(error).__name__})"
            ) from None


def mail_of(alert: Alert, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the alert as a mail. Line breaks are removed from the subject, so that no name from Meta adds a header."""
    mail = EmailMessage()
    mail["Auto-Submitted"] = "auto-generated"
    mail["Subject"] = " ".join(f"Meta Pipeline: {alert.subject}".split())
    mail["From"], mail["To"] = sender, ", ".join(recipients)
    mail.set_content(f"{alert.subject}.\n\n{alert.detail}\n{alert.consequence}\n\n{alert.action}: {alert.url}\n")
    return mail
