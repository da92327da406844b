"""Consent in a browser: off to Meta's dialog, and back with a code that is exchanged here, once, at once."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline import bootstrap
from meta_pipeline.consent import invitation, oauth, state
from meta_pipeline.consent.local import CALLBACK, code_of
from meta_pipeline.consent.scopes import PHASES, scopes_for
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.flows import consents
from meta_pipeline.graph.errors import TransientError
from meta_pipeline.linker.links import known
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.processes import identity
from meta_pipeline.web.site import Site

TITLES = {
    "access_denied": "Consent was not given",
    "state_expired": "That took too long",
    "state_reused": "This answer was used before",
    "state_foreign": "Another browser started this",
    "state_invalid": "This is no answer to a question of ours",
    "invalid_request": "The answer is incomplete",
}
STATUSES = {"access_denied": 403, "state_foreign": 403, "state_reused": 409}
WAITS = "partitions follow as soon as “meta-pipeline up” runs"


def connect(site: Site, request: Request) -> Response:
    """`GET /connect?phase=1`: to the login dialog, with a state that only this browser can bring back."""
    settings = site.home.settings
    app_id, app_secret = settings.require("app_id"), settings.require("app_secret")
    site.home.vault  # noqa: B018 - nobody is sent to consent while there is nowhere to put the token
    invited = invitation.is_valid(request.query_params.get("invitation", ""), key=app_secret, now=bootstrap.now())
    if not invited and (refused := site.refused(request)) is not None:
        return refused
    phase = request.query_params.get("phase", "1")
    if phase not in {str(number) for number in PHASES}:
        return site.message(request, "No such phase", f"Choose a phase: {', '.join(map(str, PHASES))}.", status=400)
    secret = site.guard.secret_for(request)
    response = RedirectResponse(
        oauth.authorization_url(
            dialog_url=settings.dialog_url, version=settings.graph_version, app_id=app_id,
            redirect_uri=redirect_uri(site),
            state=state.issue(key=app_secret, now=bootstrap.now(), phase=int(phase), browser_secret=secret),
            scopes=scopes_for(int(phase), site.home.features), config_id=settings.login_config_id,
            asks_again=request.query_params.get("rerequest") == "1",
        ),
        303,
    )
    site.guard.remember(request, response)
    return response


def callback(site: Site, request: Request) -> Response:
    """`GET /oauth/callback`: whatever is wrong with it is one clear page, and nothing is stored."""
    app_secret, vault = site.home.settings.require("app_secret"), site.home.vault
    answer, browser = dict(request.query_params), site.guard.browser_of(request)
    told, now = answer.get("state", ""), bootstrap.now()
    try:
        # A refusal spends nothing: whoever goes back and agrees after all is welcome. A browser without a secret never
        # asked, so no state is its own.
        asked = state.read_state(told, key=app_secret, now=now, browser_secret=browser or "-")
        code = code_of(answer)
        state.spend(site.home.engine, asked, now=now)
    except ConsentError as error:
        title = TITLES.get(error.reason, "Consent was not given")
        return site.message(request, title, _sentence(error), status=STATUSES.get(error.reason, 400))
    try:
        token = oauth.exchange_code(code, redirect_uri=redirect_uri(site), graph=site.home.graph)
    except TransientError as error:
        # The code may be spent or not: it is not sent again.
        return site.message(request, "Meta did not answer", f"{_sentence(error)} Nothing was stored.", status=502)
    except MetaPipelineError as error:
        return site.message(request, "Meta refused the code", f"{_sentence(error)} Nothing was stored.", status=400)
    id = consents.receive(
        token, phase=asked.phase, through="the connections page", browser=asked.browser, tokens=vault,
        engine=site.home.engine, now=now, holder=identity() if site.onboards else None,
    )
    task = BackgroundTask(_onboard, site, id) if site.onboards else None
    return RedirectResponse(f"/onboardings/{id}", 303, background=task)


def redirect_uri(site: Site) -> str:
    """Where the dialog sends people back to; Meta compares it letter by letter."""
    return site.home.settings.public_url.rstrip("/") + CALLBACK


def _onboard(site: Site, id: str) -> None:
    """Do everything but the partitions here, so that the person need not wait for a free place in Dagster's queue."""
    home = site.home
    try:
        consents.onboard(
            id, graph=home.graph, tokens=home.vault, engine=home.engine, features=home.features, now=bootstrap.now,
            sleep=bootstrap.sleep,
        )
        consents.first_look(
            id, known(home.engine), graph=home.graph, tokens=home.vault, engine=home.engine, now=bootstrap.now()
        )
    except MetaPipelineError:
        return  # the onboarding says what happened
    consents.hand_on(home.engine, id, WAITS)


def _sentence(error: MetaPipelineError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
