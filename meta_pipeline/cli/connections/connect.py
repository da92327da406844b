"""`connect`: a token from the login dialog or from standard input goes into the vault, then `onboarding_job` runs."""

from __future__ import annotations

import sys
import webbrowser

import click
import requests

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.consent import local, oauth, state
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.display import printable
from meta_pipeline.flows.connections import consents
from meta_pipeline.flows.connections.consent_request import consent_request
from meta_pipeline.records import AccessToken, ConfigError, NodeLink
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.coordination.processes import identity

CONSENT_TIMEOUT_S = 600.0
# Without any of these no report can be read.
READING_SCOPES = frozenset(("ads_read", "ads_management", "pages_read_engagement"))


def token_from_stdin(kind: str) -> AccessToken:
    """Return the token that was piped in; raise ConfigError when there is none."""
    value = sys.stdin.readline().strip()
    if not value:
        raise ConfigError("no token came on standard input: pipe one in, for example from a password manager")
    return AccessToken(kind="system_user" if kind == "system-user" else "user", value=value)


def token_from_dialog(runtime: Runtime, *, browser: bool, phase: int) -> AccessToken:
    """Return the token of a person who consented in the login dialog."""
    app_id, app_secret = runtime.settings.require("app_id"), runtime.settings.require("app_secret")
    request = consent_request(phase, engine=runtime.engine, features=runtime.features)
    signed_state = state.issue(key=app_secret, now=runtime.now(), phase=request.phase)

    def url_for(redirect_uri: str) -> str:
        return oauth.authorization_url(
            dialog_url=runtime.settings.dialog_url, version=runtime.settings.graph_version, app_id=app_id,
            redirect_uri=redirect_uri, state=signed_state, scopes=request.names,
            config_id=runtime.settings.login_config_id, asks_again=request.asks_again,
        )

    answer, redirect_uri = local.authorize(
        url_for, opener=_in_browser if browser else _over_http, timeout_s=CONSENT_TIMEOUT_S
    )
    state.use(runtime.engine, answer.get("state", ""), key=app_secret, now=runtime.now())
    return oauth.exchange_code(local.code_of(answer), redirect_uri=redirect_uri, graph=runtime.graph)


def onboard(runtime: Runtime, token: AccessToken, *, phase: int, through: str) -> list[NodeLink]:
    """Seal the token and run Dagster's `onboarding_job`, which adds links, partitions and a first look.

    Raise ConsentError when it fails, and also when the token can read no report: its links are stored even then."""
    from meta_pipeline.defs.runs.onboarding_run import run_onboarding

    _ = runtime.graph.app  # raise now when the app is not set: nothing must be stored without it
    if phase:  # a token that was piped in was requested elsewhere
        phase = consent_request(phase, engine=runtime.engine, features=runtime.features).phase
    id = consents.accept_token(
        token, phase=phase, through=through, holder=identity(), tokens=runtime.vault, engine=runtime.engine,
        now=runtime.now(),
    )
    reason = run_onboarding(runtime, id)
    done = onboardings.get(runtime.engine, id)
    if reason or done is None or done.status != "done":
        reason = reason or "the onboarding did not finish"
        consents.fail(runtime.engine, id, reason, tokens=runtime.vault, now=runtime.now())
        raise ConsentError("onboarding_failed", printable(reason, limit=1000))
    for name, needed_for in done.result["missing"]:
        click.echo(f"not granted: {name} ({needed_for})", err=True)
    for unread in done.result.get("not_read", ()):
        click.echo(f"not read: {printable(unread)}", err=True)
    for sample in done.result["samples"]:
        figures = sample.get("trouble") or ", ".join(f"{name} {value}" for name, value in sample["figures"].items())
        click.echo(printable(f"{sample['name']} on {sample['day']}: {figures or 'no delivery'}"), err=True)
    if not READING_SCOPES & set(done.result["granted"]):
        raise ConsentError(
            "invalid_scope", "connected, but nothing can be read: the token lacks the permission ads_read, and for "
            "Pages pages_read_engagement; grant one of them and connect again",
        )
    return list_links(runtime.engine)


def _in_browser(url: str) -> None:
    click.echo(f"Open this page to connect:\n  {url}", err=True)
    webbrowser.open(url)


def _over_http(url: str) -> None:
    """Follow a dialog that approves automatically, as the sandbox's does."""
    try:
        answer = requests.get(url, headers={"Accept": "application/json"}, timeout=30)
    except requests.RequestException as error:
        # The text of this exception may hold the code.
        cause = type(error).__name__
    else:
        if answer.ok:
            return
        cause = f"HTTP {answer.status_code}"
    raise ConsentError("server_error", f"the login dialog returned no usable response ({cause})")
