"""A customer with an invitation: an app with an intake, and the links of invitations."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from harness.sandbox import Sandbox
from harness.web.browser import Browser
from harness.web.connections_page import Web, make_web
from meta_pipeline import bootstrap
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation

INTAKE = """
business = "2000000000009"
name = "Example Agency"
operators = ["ann@agency.example"]

[tenants.north]
name = "Northwind"
ad_accounts = ["act_1000000001"]
pages = ["3000000000001"]
instagram_accounts = ["17841400000000001"]
retention_ceiling_days = 400
"""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = bootstrap.system_now()

    def now(self) -> dt.datetime:
        return self.at


def make_inviting_web(path: Path, sandbox: Sandbox, clock: Clock, text: str = INTAKE, **settings: Any) -> Web:
    """Return the app with an intake."""
    (path / "intake.toml").write_text(text)
    return make_web(path, sandbox, now=clock.now, tenants=path / "intake.toml", **settings)


def invite(web: Web, *kinds: str, language: str = "en", days: int = 7) -> tuple[Invitation, str]:
    """Return an invitation of the tenant `north`, and the path of its link."""
    issued = issuing.invite(
        "north", kinds=kinds, language=language, life=dt.timedelta(days=days), actor="a test",
        intake=web.runtime.intake, engine=web.runtime.engine, public_url=web.runtime.settings.public_url,
        now=web.app_now(),
    )
    return issued.invitation, issued.url.removeprefix(web.runtime.settings.public_url)


def status_link(web: Web, invitation: Invitation) -> str:
    """Issue the link of an invitation again, and return its path: the status page after the invitation was answered."""
    public_url = web.runtime.settings.public_url
    issued = issuing.reissue(
        invitation.id, actor="a test", engine=web.runtime.engine, public_url=public_url, now=web.app_now()
    )
    return issued.url.removeprefix(public_url)


def state_of(web: Web, invitation: Invitation) -> str:
    """Return the present state of an invitation."""
    stored = invitations.find(web.runtime.engine, invitation.id)
    assert stored is not None
    return stored.state


def form_token(body: str) -> str:
    """Return the token of a form on a page."""
    field = re.search(r'name="form_token" value="([^"]+)"', body)
    assert field, body
    return field[1]


def consent(web: Web, path: str, browser: Browser, *, without: tuple[str, ...] = ()) -> Any:
    """Go through the dialog from an invitation, without some permissions; return the response of our callback."""
    dialog = web.dialog(f"{path}/connect", browser)
    if without:
        query = parse_qs(urlsplit(dialog).query)
        requested = query["scope"][0].split(",")
        ends = "&".join(f"{name}={quote(query[name][0], safe='')}" for name in ("client_id", "redirect_uri", "state"))
        ticked = "&".join(f"scope={name}" for name in requested if name not in without)
        dialog = f"{web.sandbox.url}/v24.0/dialog/oauth/choice?{ends}&asked={','.join(requested)}&{ticked}"
    return browser.get(web.consented(dialog))
