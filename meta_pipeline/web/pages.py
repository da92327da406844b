"""The pages people look at: connections, how an onboarding goes, sign-in."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from meta_pipeline import bootstrap
from meta_pipeline.consent.scopes import PHASES, SCOPES
from meta_pipeline.consent.state import digest_of
from meta_pipeline.flows import consents, overview, tokens
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store import alerts, onboardings
from meta_pipeline.web.site import Site

KINDS = {
    "ad_account": "Ad accounts", "page": "Pages", "instagram_account": "Instagram accounts", "pixel": "Pixels",
    "catalog": "Catalogs",
}
SHOWN_ALERTS = 5


def connections(site: Site, request: Request) -> Response:
    """`GET /`: whose token it is, what it may read, what is wrong, what to click."""
    if (refused := site.refused(request)) is not None:
        return refused
    home, now = site.home, bootstrap.now()
    found = overview.connections(
        engine=home.engine, tokens=home.vault, clicks=home.clicks, features=home.features, now=now
    )
    phases = {
        phase: does for phase, does in PHASES.items()
        if phase < 3 or any(scope.feature in home.features for scope in SCOPES if scope.phase == phase)
    }
    under_way = [one for one in onboardings.latest(home.engine, 5) if not one.is_ended]
    return site.page(
        request, "connections.html", connections=found, kinds=KINDS, phases=phases, under_way=under_way,
        alerts=alerts.latest(home.engine, SHOWN_ALERTS),
        in_need=sum(1 for one in found if one.state != "good"),
        counts={
            title: len({node.link.id for one in found for node in one.nodes if node.link.kind == kind})
            for kind, title in KINDS.items()
        },
    )


def onboarding(site: Site, request: Request) -> Response:
    """`GET /onboardings/{id}`: how it goes, for the operator and for the browser that started it."""
    found = onboardings.get(site.home.engine, request.path_params["id"])
    browser = site.guard.browser_of(request)
    is_theirs = found is not None and browser is not None and hmac.compare_digest(
        digest_of(browser), found.browser or ""
    )
    if found is None or not (is_theirs or site.guard.is_signed_in(request)):
        raise HTTPException(404, "There is no such onboarding.")
    return site.page(request, "onboarding.html", one=found, kinds=KINDS)


def disconnect(site: Site, request: Request) -> Response:
    """`POST /connections/{ref}/disconnect`: Meta forgets the consent, and so do we."""
    _checked_form(site, request)
    told = tokens.disconnect(request.path_params["ref"], graph=site.home.graph, tokens=site.home.vault)
    if told is not None:
        return site.message(
            request, "Disconnected here, not at Meta",
            f"The token is not used any more, but Meta could not be told: {told}. The person can remove the app under "
            "Settings → Business integrations on Facebook.", status=200, click="Connections", url="/",
        )
    return RedirectResponse("/", 303)


def check(site: Site, request: Request) -> Response:
    """`POST /connections/{ref}/check`: ask Meta now how the token is and what it reaches."""
    _checked_form(site, request)
    home, ref_id = site.home, request.path_params["ref"]
    try:
        consents.check(ref_id, graph=home.graph, tokens=home.vault, engine=home.engine, now=bootstrap.now())
    except MetaPipelineError as error:
        return site.message(
            request, "Meta could not be asked", f"{error}.", status=502, click="Connections", url="/"
        )
    return RedirectResponse("/", 303)


def sign_in_page(site: Site, request: Request) -> Response:
    """`GET /sign-in`."""
    if site.guard.is_signed_in(request):
        return RedirectResponse("/", 303)
    return site.page(request, "sign_in.html", told=None)


def sign_in(site: Site, request: Request) -> Response:
    """`POST /sign-in`: the operator's password; five wrong ones a minute are enough."""
    form = _our_form(site, request)
    if site.guard.has_tried_enough():
        return site.page(request, "sign_in.html", status=429, told="Too many wrong passwords: wait a minute.")
    if not site.guard.is_password(form.get("password", "")):
        return site.page(request, "sign_in.html", status=403, told="That is not the password.")
    response = RedirectResponse("/", 303)
    site.guard.sign_in(response)
    return response


def sign_out(site: Site, request: Request) -> Response:
    """`POST /sign-out`."""
    _our_form(site, request)
    response = RedirectResponse("/sign-in", 303)
    site.guard.sign_out(response)
    return response


def live(site: Site, request: Request) -> Response:
    """`GET /health/live`: this process answers."""
    return JSONResponse({"status": "ok"})


def ready(site: Site, request: Request) -> Response:
    """`GET /health/ready`: the control store answers, and what is needed to connect is set."""
    try:
        onboardings.latest(site.home.engine, 1)
        for name in ("app_id", "app_secret", "vault_keys"):
            site.home.settings.require(name)
    except MetaPipelineError as error:
        return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
    return JSONResponse({"status": "ok"})


def _checked_form(site: Site, request: Request) -> None:
    """A form of an operator, or nothing happens."""
    site.refused(request)
    _our_form(site, request)


def _our_form(site: Site, request: Request) -> dict[str, str]:
    form: dict[str, str] = request.state.form
    if not site.guard.is_our_form(request, form.get("form_token", "")):
        raise HTTPException(403, "This form did not come from a page of ours in this browser: reload the page.")
    return form
