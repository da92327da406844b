"""`connect`: a token from the login dialog or from standard input goes into the vault, then `onboarding_job` runs."""

from __future__ import annotations

import sys
import webbrowser

import click
import requests

from meta_pipeline import bootstrap, flows
from meta_pipeline.bootstrap import Live
from meta_pipeline.consent import local, oauth, state
from meta_pipeline.consent.scopes import missing_scopes, scopes_for
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.linker.links import known
from meta_pipeline.records import AccessToken, ConfigError, NodeLink

CONSENT_TIMEOUT_S = 600.0
PHASE = 2


def token_from_stdin(kind: str) -> AccessToken:
    """The token that was piped in."""
    value = sys.stdin.readline().strip()
    if not value:
        raise ConfigError("no token came on standard input: pipe one in, for example from a password manager")
    return AccessToken("system_user" if kind == "system-user" else "user", value)


def token_from_dialog(home: Live, *, browser: bool) -> AccessToken:
    """The token of a person who consented in the login dialog."""
    app_id, app_secret = home.settings.require("app_id"), home.settings.require("app_secret")
    asked = state.issue(home.engine, key=app_secret, now=bootstrap.now())

    def url_for(redirect_uri: str) -> str:
        return oauth.authorization_url(
            dialog_url=home.settings.dialog_url, version=home.settings.graph_version, app_id=app_id,
            redirect_uri=redirect_uri, state=asked, scopes=scopes_for(PHASE),
        )

    answer, redirect_uri = local.authorize(
        url_for, opener=_in_browser if browser else _over_http, timeout_s=CONSENT_TIMEOUT_S
    )
    state.use(home.engine, answer.get("state", ""), key=app_secret, now=bootstrap.now())
    return oauth.exchange_code(
        local.code_of(answer), redirect_uri=redirect_uri, graph=home.graph, app_id=app_id, app_secret=app_secret
    )


def onboard(home: Live, token: AccessToken) -> list[NodeLink]:
    """The token is sealed, then Dagster's `onboarding_job` links what it reads and adds the partitions."""
    from meta_pipeline.defs.launch import onboard as run

    ref = flows.keep(
        token, graph=home.graph, tokens=home.vault, app_id=home.settings.require("app_id"),
        app_secret=home.settings.require("app_secret"), now=bootstrap.now(),
    )
    for scope in missing_scopes(ref.scopes, PHASE):
        click.echo(f"not granted: {scope.name} ({scope.needed_for})", err=True)
    if reason := run(home.settings, ref.id):
        raise ConsentError("onboarding_failed", reason)
    return known(home.engine)


def _in_browser(url: str) -> None:
    click.echo(f"Open this page to connect:\n  {url}", err=True)
    webbrowser.open(url)


def _over_http(url: str) -> None:
    """Follow a dialog that approves by itself, as the sandbox's does."""
    try:
        answer = requests.get(url, headers={"Accept": "application/json"}, timeout=30)
    except requests.RequestException as error:
        # The text of this exception may hold the code.
        raise_kind = type(error).__name__
    else:
        if answer.ok:
            return
        raise_kind = f"HTTP {answer.status_code}"
    raise ConsentError("server_error", f"the login dialog did not answer as hoped ({raise_kind})")
