"""Consent in a browser: off to Meta's dialog, and back with a code that is exchanged here, once, at once."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.consent import invitation, oauth, state
from meta_pipeline.consent.local import CALLBACK, code_of
from meta_pipeline.consent.scopes import PHASES
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.flows import consents
from meta_pipeline.flows.consent_request import ConsentRequest, consent_request
from meta_pipeline.graph.errors import TransientError
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.invitations import Invitation
from meta_pipeline.store.processes import identity
from meta_pipeline.web.site import Site

# What a person reads, by the reason of RFC 6749 or of ours.
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
WAITS = "The daily collection is set up as soon as the pipeline runs."


def connect(site: Site, request: Request) -> Response:
    """`GET /connect?phase=1`: to the login dialog, with a state that only this browser can bring back."""
    settings = site.runtime.settings
    app_id, app_secret = settings.require("app_id"), settings.require("app_secret")
    site.runtime.vault
    wanted = requested(site, request)
    if isinstance(wanted, Response):
        return wanted
    asked, invited = wanted
    secret = site.guard.secret_for(request)
    response = RedirectResponse(
        oauth.authorization_url(
            dialog_url=settings.dialog_url, version=settings.graph_version, app_id=app_id,
            redirect_uri=redirect_uri(site),
            state=state.issue(
                key=app_secret, now=site.runtime.now(), phase=asked.phase, browser_secret=secret,
                invitation=invited.digest if invited else "",
            ),
            scopes=asked.names, config_id=settings.login_config_id, asks_again=asked.asks_again,
        ),
        303,
    )
    site.guard.remember(request, response)
    return response


def requested(site: Site, request: Request) -> tuple[ConsentRequest, Invitation | None] | Response:
    """Return what the dialog would be asked for, and the invitation that lets this person in; otherwise the page that
    says why there will be no dialog."""
    phase = request.query_params.get("phase", "1")
    invited = invitation.find(site.runtime.engine, request.query_params.get("invitation", ""))
    if invited is not None and str(invited.phase) != phase:
        invited = None
    if not site.guard.is_signed_in(request):
        if invited is not None and not invitation.is_open(invited, now=site.runtime.now()):
            return site.message(
                request, "This link has ended",
                "A link to connect again works once, and for 72 hours. Ask whom it came from for a new one.",
                status=410, click=None,
            )
        if invited is None and (refused := site.refused(request)) is not None:
            return refused
    if phase not in {str(number) for number in PHASES}:
        return site.message(
            request, "There is no such choice", "Choose on the connections page what to connect.", status=400,
            click="Connections", url="/",
        )
    if invited is not None and not invitation.is_open(invited, now=site.runtime.now()):
        invited = None  # an operator may connect without it
    asked = consent_request(
        int(phase), engine=site.runtime.engine, features=site.runtime.features,
        subject_id=invited.subject_id if invited else None,
        asks_again=request.query_params.get("rerequest") == "1",
    )
    return asked, invited


def callback(site: Site, request: Request) -> Response:
    """`GET /oauth/callback`: whatever is wrong with it is one clear page, and nothing is stored."""
    app_secret, vault = site.runtime.settings.require("app_secret"), site.runtime.vault
    answer, browser = dict(request.query_params), site.guard.browser_of(request)
    told, now = answer.get("state", ""), site.runtime.now()
    try:
        # A refusal spends nothing: whoever goes back and agrees after all is welcome. A browser without a secret never
        # asked, so no state is its own.
        asked = state.read_state(told, key=app_secret, now=now, browser_secret=browser or "-")
        code = code_of(answer)
        state.spend(site.runtime.engine, asked, now=now)
    except ConsentError as error:
        return _refusal(site, request, error)
    try:
        token = oauth.exchange_code(code, redirect_uri=redirect_uri(site), graph=site.runtime.graph)
    except TransientError:
        # The code may be spent or not: it is not sent again.
        return site.message(
            request, "Facebook did not answer", "Nothing was stored. Please start again in a few minutes.", status=502
        )
    except MetaPipelineError as error:
        return site.message(
            request, "Facebook refused the answer it gave", f"{_sentence(error)} Nothing was stored.", status=400
        )
    try:
        id = consents.receive(
            token, phase=asked.phase, through="the connections page", browser=asked.browser,
            invitation=asked.invitation or None, tokens=vault, engine=site.runtime.engine, now=now,
            holder=identity() if site.onboards else None,
        )
    except ConsentError as error:
        return _refusal(site, request, error)
    task = BackgroundTask(_onboard, site, id) if site.onboards else None
    return RedirectResponse(f"/onboardings/{id}", 303, background=task)


def redirect_uri(site: Site) -> str:
    """Where the dialog sends people back to; Meta compares it letter by letter."""
    return site.runtime.settings.public_url.rstrip("/") + CALLBACK


def _refusal(site: Site, request: Request, error: ConsentError) -> Response:
    title, sentence = OUTCOMES.get(error.reason, OUTCOMES["server_error"])
    return site.message(request, title, sentence, status=STATUSES.get(error.reason, 400))


def _onboard(site: Site, id: str) -> None:
    """Do everything but the partitions here, so that the person need not wait for a free place in Dagster's queue."""
    runtime = site.runtime
    try:
        runtime.onboard(id)
        runtime.first_look(id)
    except MetaPipelineError:
        return  # the onboarding says what happened
    consents.requeue(runtime.engine, id, WAITS)


def _sentence(error: MetaPipelineError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
