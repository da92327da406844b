"""The pages: connections, the consent to be requested, the progress of an onboarding."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from meta_pipeline.consent.scopes import PHASES, SCOPES
from meta_pipeline.consent.signing import is_same
from meta_pipeline.consent.state import browser_digest
from meta_pipeline.flows.connections import consents, relinking, tokens
from meta_pipeline.flows.connections.consent_request import ConsentRequest, consent_request
from meta_pipeline.records import MetaPipelineError, NodeLink, VaultError
from meta_pipeline.status import overview, wording
from meta_pipeline.status.token_health import DISCONNECTED
from meta_pipeline.store.connections import alerts, onboardings
from meta_pipeline.web.routes import oauth
from meta_pipeline.web.site import Site, our_form
from meta_pipeline.web.words import KINDS, NODE_STATUSES

MOST_ALERTS = 5
WITHOUT = {scope.name: scope.without for scope in SCOPES}


def connections(site: Site, request: Request) -> Response:
    """Show who is connected, what is read, what is wrong and where to fix it (`GET /`)."""
    runtime = site.runtime
    shown = runtime.connections()
    return site.page(
        request, "connections.html", connections=shown, under_way=_under_way(site), explained=_explained,
        alerts=[(at, text.rpartition(" http")[0] or text) for at, text in alerts.latest(runtime.engine, MOST_ALERTS)],
        tenants=site.guard.people.current().tenants,
        in_need=sum(1 for connection in shown if connection.state != "good"),
        counts={
            kind: len({
                node.link.id for connection in shown if connection.state != "dead" for node in connection.nodes
                if node.link.kind == kind
            })
            for kind in KINDS
        },
        node_statuses=NODE_STATUSES, disconnected=_disconnected(site, request.query_params.get("disconnected", "")),
    )


def explain(site: Site, request: Request) -> Response:
    """Show what will be requested and why, before Meta's dialog opens (`GET /connections/new`)."""
    requested = oauth.requested_consent(site, request)
    if isinstance(requested, Response):
        return requested
    chosen, invited = requested
    requests = [chosen] if "phase" in request.query_params else [
        consent_request(phase, engine=site.runtime.engine, features=site.runtime.features) for phase in _phases(site)
    ]
    choices: dict[tuple[str, ...], ConsentRequest] = {}
    for choice in requests:  # what was granted before can make two phases the same
        choices.setdefault(choice.names, choice)
    query = {name: request.query_params[name] for name in ("rerequest", "reconnect") if name in request.query_params}
    return site.page(
        request, "explain.html", choices=list(choices.values()), titles=PHASES, invited=invited,
        has_configuration=site.runtime.settings.login_config_id is not None,
        link=lambda phase: f"/connect?{urlencode({'phase': phase, **query})}",
    )


def _under_way(site: Site) -> list[onboardings.Onboarding]:
    """Return the onboardings that have not ended, one for each person, without those of people who were disconnected
    meanwhile."""
    retired = {ref.id for ref in site.runtime.vault.refs(retired=True) if ref.retired_at is not None}
    newest: dict[str, onboardings.Onboarding] = {}
    for onboarding in onboardings.latest(site.runtime.engine, 10):
        newest.setdefault(onboarding.token_ref or onboarding.id, onboarding)
    return [
        onboarding for token_ref, onboarding in newest.items()
        if not onboarding.is_ended and token_ref not in retired
    ]


def _phases(site: Site) -> list[int]:
    """Return the phases that a person can choose: writing only when a feature that writes is switched on."""
    return [
        phase for phase in PHASES
        if phase < 3 or any(scope.is_enabled(site.runtime.features) for scope in SCOPES if scope.phase == phase)
    ]


def _explained(url: str) -> str:
    """Replace a link to the dialog by one to the page that says what is requested; return other links unchanged."""
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
    """Show the progress of an onboarding, to operators and to the browser that started it (`GET /onboardings/{id}`)."""
    started = onboardings.get(site.runtime.engine, request.path_params["id"])
    browser = site.guard.browser_of(request)
    is_theirs = started is not None and browser is not None and is_same(
        browser_digest(browser), started.browser or ""
    )
    if started is None or not (is_theirs or site.guard.visitor(request).is_operator):
        raise HTTPException(404, "There is no such onboarding.")
    return site.page(request, "onboarding.html", onboarding=started, without=WITHOUT, retrying=consents.RETRYING)


def confirm_disconnect(site: Site, request: Request) -> Response:
    """Show what disconnecting would stop, and ask for confirmation (`GET /connections/{ref}/disconnect`)."""
    effect = overview.effect_of_disconnecting(
        _ref_id(site, request), engine=site.runtime.engine, tokens=site.runtime.vault
    )
    return site.page(request, "disconnect.html", effect=effect, counted=wording.counted, ordered=_ordered)


def disconnect(site: Site, request: Request) -> Response:
    """Ask Meta to revoke the consent and delete the token here (`POST /connections/{ref}/disconnect`)."""
    our_form(site, request)
    disconnection = tokens.disconnect(_ref_id(site, request), graph=site.runtime.graph, tokens=site.runtime.vault)
    if disconnection.outcome == "refused":
        return site.message(
            request, "Disconnected here, not at Facebook",
            "The access that was stored here is deleted. Facebook did not answer as expected "
            f"({disconnection.reason}), so {disconnection.ref.subject_name} can remove the app under Settings → "
            "Business integrations on Facebook.",
            status=200, action="Connections", url="/",
        )
    return RedirectResponse(f"/?{urlencode({'disconnected': disconnection.ref.id})}", 303)


def _ordered(nodes: Iterable[NodeLink]) -> list[NodeLink]:
    """Return nodes in the order of the page: ad accounts first."""
    return sorted(nodes, key=lambda link: (list(KINDS).index(link.kind), link.name))


def _ref_id(site: Site, request: Request) -> str:
    """Return the connection that the path names. Raise HTTP 404 if there is none."""
    ref_id: str = request.path_params["ref"]
    if ref_id not in {ref.id for ref in site.runtime.vault.refs(retired=True)}:
        raise HTTPException(404, "There is no such connection.")
    return ref_id


def check(site: Site, request: Request) -> Response:
    """Ask Meta now whether the token is valid and what it reaches (`POST /connections/{ref}/check`)."""
    our_form(site, request)
    runtime, ref_id = site.runtime, _ref_id(site, request)
    try:
        relinking.check(ref_id, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    except MetaPipelineError as error:
        return site.message(
            request, "Facebook gave no answer", f"{error}.", status=502, action="Connections", url="/"
        )
    return RedirectResponse("/", 303)


def live(site: Site, request: Request) -> Response:
    """Answer while this process runs (`GET /health/live`)."""
    return JSONResponse({"status": "ok"})


def ready(site: Site, request: Request) -> Response:
    """Check that the control store answers and that the settings for connecting are set (`GET /health/ready`)."""
    try:
        onboardings.latest(site.runtime.engine, 1)
        for name in ("app_id", "app_secret", "vault_keys"):
            site.runtime.settings.require(name)
    except MetaPipelineError as error:
        return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
    return JSONResponse({"status": "ok"})
