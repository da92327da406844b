"""Consent in a browser: redirect to Meta's dialog, and exchange the code that Meta returns, once and immediately."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.consent import oauth, reconnect_link, state
from meta_pipeline.consent.local import code_of
from meta_pipeline.consent.scopes import PHASES
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.flows.connections import consents
from meta_pipeline.flows.connections.consent_request import ConsentRequest, consent_request
from meta_pipeline.graph.errors import TransientError
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.people.reconnect_links import ReconnectLink
from meta_pipeline.web.routes import invitations
from meta_pipeline.web.routes.following import WAITING
from meta_pipeline.web.site import Site

# The title and text of the page, by the reason of the error: a code of RFC 6749, or one of ours.
OUTCOMES = {
    "access_denied": ("You did not give consent", "Nothing was connected and nothing was stored."),
    "state_expired": ("That took too long", "Facebook's page was open for more than 10 minutes. Please start again."),
    "state_reused": (
        "This answer was used before", "Every answer from Facebook connects once. To connect again, start again.",
    ),
    "state_foreign": (
        "Please start again in this browser",
        "This answer belongs to a connection that was started in another browser. Nothing was stored.",
    ),
    "state_invalid": (
        "This link can't be used",
        "It did not come from a connection that was started here, or it was changed on the way. Nothing was stored.",
    ),
    "invalid_request": (
        "Facebook's answer is incomplete", "It came back without a code. Nothing was stored. Please start again.",
    ),
    "invalid_scope": (
        "Facebook does not know a permission",
        "A permission that was requested does not exist for this app. Nothing was stored.",
    ),
    "unauthorized_client": (
        "Facebook does not let this app connect people",
        "The app's settings at Meta have to allow this login first. Nothing was stored.",
    ),
    "server_error": ("Facebook ended the login", "Nothing was stored. Please try again later."),
    "temporarily_unavailable": ("Facebook is busy", "Nothing was stored. Please try again in a few minutes."),
}
STATUSES = {"access_denied": 403, "state_foreign": 403, "state_reused": 409}


def connect(site: Site, request: Request) -> Response:
    """Redirect to the login dialog, with a state that only this browser can bring back (`GET /connect?phase=1`)."""
    settings = site.runtime.settings
    app_id, app_secret = settings.require("app_id"), settings.require("app_secret")
    site.runtime.vault  # noqa: B018 - without a vault there is nowhere to store the token, so no consent is requested
    requested = requested_consent(site, request)
    if isinstance(requested, Response):
        return requested
    consent, invited = requested
    secret = site.guard.secret_for(request)
    response = RedirectResponse(
        oauth.authorization_url(
            dialog_url=settings.dialog_url, version=settings.graph_version, app_id=app_id,
            redirect_uri=site.redirect_uri,
            state=state.issue(
                key=app_secret, now=site.runtime.now(), phase=consent.phase, browser_secret=secret,
                reconnect_link=invited.digest if invited else "",
            ),
            scopes=consent.names, config_id=settings.login_config_id, asks_again=consent.asks_again,
        ),
        303,
    )
    site.guard.remember(request, response)
    return response


def requested_consent(site: Site, request: Request) -> tuple[ConsentRequest, ReconnectLink | None] | Response:
    """Return what the dialog will request, and the link that lets this person in; or the page that says why no dialog
    opens."""
    phase = request.query_params.get("phase", "1")
    text = request.query_params.get("reconnect", "")
    invited = reconnect_link.find(site.runtime.engine, text, key=site.guard.key)
    if invited is not None and str(invited.phase) != phase:
        invited = None
    if not site.guard.visitor(request).is_operator:
        if invited is not None and not reconnect_link.is_open(invited, now=site.runtime.now()):
            return site.message(
                request, "This link has ended",
                "A link to connect again works once, and for 72 hours. Ask the person who sent it for a new one.",
                status=410, action=None,
            )
        if invited is None and (refused := site.refused(request)) is not None:
            return refused
    if phase not in {str(number) for number in PHASES}:
        return site.message(
            request, "There is no such choice", "Choose on the connections page what to connect.", status=400,
            action="Connections", url="/",
        )
    if invited is not None and not reconnect_link.is_open(invited, now=site.runtime.now()):
        invited = None  # an operator may connect without it
    consent = consent_request(
        int(phase), engine=site.runtime.engine, features=site.runtime.features,
        subject_id=invited.subject_id if invited else None,
        asks_again=request.query_params.get("rerequest") == "1",
    )
    return consent, invited


def callback(site: Site, request: Request) -> Response:
    """Exchange the dialog's code and start the onboarding; on any error show one page and store nothing
    (`GET /oauth/callback`)."""
    app_secret, vault = site.runtime.settings.require("app_secret"), site.runtime.vault
    params, browser, now = dict(request.query_params), site.guard.browser_of(request), site.runtime.now()
    login: state.State | None = None
    try:
        # A refusal does not use up the state: the person may go back and consent after all. A browser without a secret
        # started no login, so no state belongs to it.
        login = state.read_state(params.get("state", ""), key=app_secret, now=now, browser_secret=browser or "-")
        code = code_of(params)
        state.mark_used(site.runtime.engine, login, now=now)
    except ConsentError as error:
        if login is not None and login.invitation and error.reason == "access_denied":
            return invitations.refused(site, request, login)
        return _refusal(site, request, error)
    invitation = invitations.answerable(site, login) if login.invitation else None
    if login.invitation and invitation is None:
        return _refusal(site, request, ConsentError("state_reused", "this invitation was answered before"))
    try:
        token = oauth.exchange_code(code, redirect_uri=site.redirect_uri, graph=site.runtime.graph)
    except TransientError:
        # The code may have been used: it is not sent again.
        return site.message(
            request, "Facebook did not answer", "Nothing was stored. Please start again in a few minutes.", status=502
        )
    except MetaPipelineError as error:
        return site.message(
            request, "Facebook did not accept the login", f"{_sentence(error)} Nothing was stored.", status=400
        )
    try:
        id = consents.accept_token(
            token, phase=login.phase, through="an invitation" if invitation else "the connections page",
            browser=login.browser, invitation=invitation,
            reconnect_link=login.reconnect_link or None, tokens=vault, engine=site.runtime.engine, now=now,
            holder=identity() if site.onboards else None,
        )
    except ConsentError as error:
        return _refusal(site, request, error)
    if invitation is not None:
        return invitations.accepted(site, request, login, id)
    task = BackgroundTask(onboard, site, id) if site.onboards else None
    return RedirectResponse(f"/onboardings/{id}", 303, background=task)


def _refusal(site: Site, request: Request, error: ConsentError) -> Response:
    title, sentence = OUTCOMES.get(error.reason, OUTCOMES["server_error"])
    return site.message(request, title, sentence, status=STATUSES.get(error.reason, 400))


def onboard(site: Site, id: str) -> None:
    """Run the onboarding without its partitions, so that the person need not wait for a place in Dagster's queue."""
    runtime = site.runtime
    try:
        runtime.onboard(id)
        runtime.first_look(id)
    except MetaPipelineError:
        return  # recorded with the onboarding
    consents.requeue(runtime.engine, id, WAITING)


def _sentence(error: MetaPipelineError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
