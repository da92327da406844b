"""Issue sign-in links to people of the intake: on the command line, or by mail."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert
from meta_pipeline.alerts.targets import AlertError, Email
from meta_pipeline.consent import sign_in_link
from meta_pipeline.intake.intake import Intake
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings

_LOG = logging.getLogger("meta_pipeline.sign_ins")


@dataclass(frozen=True, kw_only=True)
class SignIns:
    """An issuer of sign-in links. `key`: of the digests of people in the control store; `mail`: the mail server."""

    engine: sa.Engine = field(kw_only=False)
    intake: Intake = field(kw_only=False)
    key: str = field(repr=False)
    public_url: str
    mail: Email | None
    now: dt.datetime

    def url_for(self, email: str) -> str:
        """Return a link that signs this person in, once, for 15 minutes. Raise ConfigError for a person whom the intake
        does not name, and for a person who has too many unused links."""
        person = self.intake.person(email)
        if person is None:
            raise ConfigError(
                "the intake does not name this address as viewer or operator: add it to META_PIPELINE_TENANTS"
            )
        text = sign_in_link.issue(self.engine, person.email, key=self.key, now=self.now)
        if text is None:
            raise ConfigError(
                "this person has too many unused links: wait until they expire, after 15 minutes, then try again"
            )
        return f"{self.public_url.rstrip('/')}/sign-in/{text}"

    def send_mail(self, email: str) -> None:
        """Mail a link to an address that the intake names. The caller can't see whether it does; an error of the mail
        server is only logged."""
        if self.mail is None or self.intake.person(email) is None:
            return
        try:
            url = self.url_for(email)
            self.mail.deliver_to([email.strip()], _alert(url))
        except ConfigError:
            return
        except AlertError as error:
            _LOG.warning("a sign-in link could not be mailed: %s", error)


def sign_ins(settings: Settings, *, engine: sa.Engine, intake: Intake, now: dt.datetime) -> SignIns:
    """Return the issuer of links for these settings; raise ConfigError without an app secret."""
    mail = Email(settings.smtp_url.get_secret_value()) if settings.smtp_url else None
    return SignIns(
        engine, intake, key=settings.require("app_secret"), public_url=settings.public_url, mail=mail, now=now
    )


def _alert(url: str) -> Alert:
    return Alert(
        key="sign-in", subject="Your link to sign in", url=url, action="Sign in",
        detail="Somebody, probably you, entered this address on the sign-in page.",
        effect="The link works once, for 15 minutes. If it was not you, ignore this mail.",
    )
