"""The pages people look at: connections, how an onboarding goes, sign-in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from meta_pipeline.consent.scopes import PHASES, SCOPES
from meta_pipeline.consent.state import digest_of
from meta_pipeline.flows import consents, tokens
from meta_pipeline.flows.consent_request import ConsentRequest, consent_request
from meta_pipeline.records import MetaPipelineError, NodeLink, VaultError
from meta_pipeline.status import overview, wording
from meta_pipeline.status.token_health import DISCONNECTED
from meta_pipeline.store import alerts, onboardings
from meta_pipeline.web import oauth
from meta_pipeline.web.site import Site
from meta_pipeline.web.words import KINDS

SHOWN_ALERTS = 5
WITHOUT = {scope.name: scope.without for scope in SCOPES}


def connections(site: Site, request: Request) -> Response:
    """`GET /`: who is connected, what is read, what is wrong and where to fix it."""
    if (refused := site.refused(request)) is not None:
        return refused
    runtime = site.runtime
    found = runtime.connections()
    return site.page(
        request, "connections.html", connections=found, under_way=_under_way(site), explained=_explained,
        alerts=[(at, text.rpartition(" http")[0] or text) for at, text in alerts.latest(runtime.engine, SHOWN_ALERTS)],
        in_need=sum(1 for one in found if one.state != "good"),
        counts={
            kind: len({node.link.id for one in found if one.state != "dead" for node in one.nodes
                       if node.link.kind == kind})
            for kind in KINDS
        },
        disconnected=_disconnected(site, request.query_params.get("disconnected", "")),
    )


def explain(site: Site, request: Request) -> Response:
    """`GET /connections/new`: what will be requested and why, before Meta's dialog opens."""
    asked = oauth.requested(site, request)
    if isinstance(asked, Response):
        return asked
    chosen, invited = asked
    requests = [chosen] if "phase" in request.query_params else [
        consent_request(phase, engine=site.runtime.engine, features=site.runtime.features) for phase in _phases(site)
    ]
    choices: dict[tuple[str, ...], ConsentRequest] = {}
    for one in requests:  # what was granted before can make two phases the same
        choices.setdefault(one.names, one)
    query = {name: request.query_params[name] for name in ("rerequest", "invitation") if name in request.query_params}
    return site.page(
        request, "explain.html", choices=list(choices.values()), titles=PHASES, invited=invited,
        has_configuration=site.runtime.settings.login_config_id is not None,
        link=lambda phase: f"/connect?{urlencode({'phase': phase, **query})}",
    )


def _under_way(site: Site) -> list[onboardings.Onboarding]:
    """The onboardings that have not ended, one for each person; those of whoever was disconnected meanwhile count no
    longer."""
    retired = {ref.id for ref in site.runtime.vault.refs(retired=True) if ref.retired_at is not None}
    newest: dict[str, onboardings.Onboarding] = {}
    for one in onboardings.latest(site.runtime.engine, 10):
        newest.setdefault(one.token_ref or one.id, one)
    return [one for whose, one in newest.items() if not one.is_ended and whose not in retired]


def _phases(site: Site) -> list[int]:
    """The phases that a person can choose: writing is offered only when something that writes is switched on."""
    return [
        phase for phase in PHASES
        if phase < 3 or any(scope.feature in site.runtime.features for scope in SCOPES if scope.phase == phase)
    ]


def _explained(url: str) -> str:
    """Return the way to the dialog by the page that says what is requested."""
    before, connect, query = url.partition("/connect?")
    return f"/connections/new?{query}" if connect else before


def _disconnected(site: Site, ref_id: str) -> str | None:
    """Return the name of a connection that has just been disconnected."""
    try:
        ref = site.runtime.vault.ref(ref_id) if ref_id else None
    except VaultError:
        return None
    return ref.subject_name if ref is not None and ref.retired_because == DISCONNECTED else None


def onboarding(site: Site, request: Request) -> Response:
    """`GET /onboardings/{id}`: how it goes, for the operator and for the browser that started it."""
    found = onboardings.get(site.runtime.engine, request.path_params["id"])
    browser = site.guard.browser_of(request)
    is_theirs = found is not None and browser is not None and hmac.compare_digest(
        digest_of(browser), found.browser or ""
    )
    if found is None or not (is_theirs or site.guard.is_signed_in(request)):
        raise HTTPException(404, "There is no such onboarding.")
    return site.page(request, "onboarding.html", one=found, without=WITHOUT)


def confirm_disconnect(site: Site, request: Request) -> Response:
    """`GET /connections/{ref}/disconnect`: what will stop, before it does."""
    if (refused := site.refused(request)) is not None:
        return refused
    effect = overview.effect_of_disconnecting(
        _ref_id(site, request), engine=site.runtime.engine, tokens=site.runtime.vault
    )
    return site.page(request, "disconnect.html", effect=effect, counted=wording.counted, ordered=_ordered)


def disconnect(site: Site, request: Request) -> Response:
    """`POST /connections/{ref}/disconnect`: Meta revokes the consent, and the token is deleted here."""
    _checked_form(site, request)
    done = tokens.disconnect(_ref_id(site, request), graph=site.runtime.graph, tokens=site.runtime.vault)
    if done.outcome == "refused":
        return site.message(
            request, "Disconnected here, not at Facebook",
            f"The access that was stored here is deleted. Facebook did not answer as expected ({done.reason}), so "
            f"{done.ref.subject_name} can remove the app under Settings → Business integrations on Facebook.",
            status=200, click="Connections", url="/",
        )
    return RedirectResponse(f"/?{urlencode({'disconnected': done.ref.id})}", 303)


def _ordered(nodes: Iterable[NodeLink]) -> list[NodeLink]:
    """Return nodes in the order of the page: ad accounts first."""
    return sorted(nodes, key=lambda link: (list(KINDS).index(link.kind), link.name))


def _ref_id(site: Site, request: Request) -> str:
    """Return the connection that the path names; HTTP 404 when there is none."""
    ref_id: str = request.path_params["ref"]
    if ref_id not in {ref.id for ref in site.runtime.vault.refs(retired=True)}:
        raise HTTPException(404, "There is no such connection.")
    return ref_id


def check(site: Site, request: Request) -> Response:
    """`POST /connections/{ref}/check`: ask Meta now how the token is and what it reaches."""
    _checked_form(site, request)
    runtime, ref_id = site.runtime, _ref_id(site, request)
    try:
        consents.check(ref_id, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=site.runtime.now())
    except MetaPipelineError as error:
        return site.message(
            request, "Facebook gave no answer", f"{error}.", status=502, click="Connections", url="/"
        )
    return RedirectResponse("/", 303)


def sign_in_page(site: Site, request: Request) -> Response:
    """`GET /sign-in`."""
    if site.guard.is_signed_in(request):
        return RedirectResponse("/", 303)
    return site.page(request, "sign_in.html", told=None)


def sign_in(site: Site, request: Request) -> Response:
    """`POST /sign-in`: the operator's password."""
    form = _our_form(site, request)
    if not site.guard.is_password(request, form.get("password", "")):
        return site.page(request, "sign_in.html", status=403, told="That is not the password.")
    response = RedirectResponse("/", 303)
    site.guard.sign_in(response)
    return response


def sign_out(site: Site, request: Request) -> Response:
    """`POST /sign-out`."""
    _our_form(site, request)
    response = RedirectResponse("/sign-in", 303)
    site.guard.sign_out(request, response)
    return response


def live(site: Site, request: Request) -> Response:
    """`GET /health/live`: this process answers."""
    return JSONResponse({"status": "ok"})


def ready(site: Site, request: Request) -> Response:
    """`GET /health/ready`: the control store answers, and what is needed to connect is set."""
    try:
        onboardings.latest(site.runtime.engine, 1)
        for name in ("app_id", "app_secret", "vault_keys"):
            site.runtime.settings.require(name)
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
        raise HTTPException(403, "This form is out of date: reload the page and try again.")
    return form
