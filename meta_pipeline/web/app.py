"""The ASGI app: its routes, and the pages of its errors. It logs no requests: a URL may hold a code."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.consent.local import CALLBACK
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.settings import Settings, is_loopback
from meta_pipeline.web.access.security import Guard, Headers
from meta_pipeline.web.access.visitors import Access, People
from meta_pipeline.web.routes import (
    ads,
    documentation,
    invitation_status,
    invitations,
    leaving,
    nodes,
    oauth,
    signing_in,
    tenants,
    webhooks,
)
from meta_pipeline.web.routes import connections as pages
from meta_pipeline.web.routes.businesses import partners, system_users
from meta_pipeline.web.routes.invitation_links import GoneError
from meta_pipeline.web.site import HERE, Site

_LOG = logging.getLogger("meta_pipeline.web")
MOST_FORM_BYTES = 64 * 1024
SHORTEST_PASSWORD = 12  # characters, where other machines can send guesses
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def create_app(
    runtime: Runtime,
    *,
    host: str = "127.0.0.1",
    onboards: bool = True,
    dagster_url: str | None = None,
    wake_erasures: Callable[[], None] = lambda: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Starlette:
    """Return the app for a server that listens on `host`. Raise ConfigError if it would be open to strangers.
    `wake_erasures` is called when an erasure was requested."""
    settings = runtime.settings
    public = urlsplit(settings.public_url)
    if public.scheme not in ("http", "https") or not public.hostname:
        raise ConfigError(f"META_PIPELINE_PUBLIC_URL is not an http(s) URL: {settings.public_url!r}")
    password = settings.operator_password.get_secret_value() if settings.operator_password else None
    people = People(lambda: runtime.intake)
    if settings.is_exposed or not is_loopback(host):
        _check_exposed(settings, host, password, has_people=people.current().has_people)
    guard = Guard(
        key=runtime.app_secret or secrets.token_hex(),
        password=password, people=people, is_https=public.scheme == "https", now=runtime.now,
        engine=lambda: runtime.engine, sleep=sleep,
    )
    site = Site(runtime=runtime, guard=guard, onboards=onboards, dagster_url=dagster_url, wake_erasures=wake_erasures)

    def route(path: str, page: Callable[..., Any], *methods: str, access: Access = Access.OPERATOR) -> Route:
        return Route(path, functools.partial(_answer, page, site, access), methods=list(methods or ("GET",)))

    everybody = Access.EVERYBODY
    receiver = webhooks.Receiver(runtime=runtime)

    return Starlette(
        routes=[
            route("/", pages.connections),
            route("/connections/new", pages.explain, access=everybody),
            route("/connect", oauth.connect, access=everybody),
            route(CALLBACK, oauth.callback, access=everybody),
            route("/onboardings/{id}", pages.onboarding, access=everybody),
            route("/connections/{ref}/disconnect", pages.confirm_disconnect),
            route("/connections/{ref}/disconnect", pages.disconnect, "POST"),
            route("/connections/{ref}/check", pages.check, "POST"),
            route(leaving.DEAUTHORIZE, leaving.deauthorize, "POST", access=everybody),
            route(leaving.DATA_DELETION, leaving.data_deletion, "POST", access=everybody),
            route(f"{leaving.STATUS}/{{code}}", leaving.deletion, access=everybody),
            route("/nodes/{id}/choice", nodes.choose, "POST"),
            route("/docs", documentation.docs),
            route(partners.PAGE, partners.partners),
            route(f"{partners.PAGE}/request", partners.ask, "POST"),
            route(f"{partners.PAGE}/check", partners.check, "POST"),
            route(f"{partners.PAGE}/give", partners.give, "POST"),
            route(f"{partners.PAGE}/take-back", partners.take_back, "POST"),
            route(ads.PAGE, ads.listed),
            route(f"{ads.PAGE}/{{id}}", ads.plan),
            route(system_users.PAGE, system_users.listed),
            route(f"{system_users.PAGE}/create", system_users.create, "POST"),
            route(f"{system_users.PAGE}/assign", system_users.assign, "POST"),
            route(f"{system_users.PAGE}/mint", system_users.mint, "POST"),
            route("/invitations/{link}", invitations.page, access=everybody),
            route("/invitations/{link}/connect", invitations.connect, access=everybody),
            route("/invitations/{link}/decline", invitations.decline, "POST", access=everybody),
            route("/invitations/{link}/shared", invitations.shared, "POST", access=everybody),
            route("/invitations/{link}/assets", invitations.choose, "POST", access=everybody),
            route("/invitations/{link}/disconnect", invitation_status.disconnect, "POST", access=everybody),
            route("/invitations/{link}/erase", invitation_status.confirm_erasure, access=everybody),
            route("/invitations/{link}/erase", invitation_status.erase, "POST", access=everybody),
            route("/tenants/{tenant}/invitations", tenants.invite, "POST", access=Access.TENANT_OPERATOR),
            route("/tenants/{tenant}/invitations/{id}/revoke", tenants.revoke, "POST", access=Access.TENANT_OPERATOR),
            route("/tenants/{tenant}/invitations/{id}/reissue", tenants.reissue, "POST", access=Access.TENANT_OPERATOR),
            route("/tenants/{tenant}", tenants.tenant_page, access=Access.TENANT),
            route("/tenants/{tenant}/warehouse.duckdb", tenants.tenant_file, access=Access.TENANT),
            route("/sign-in", signing_in.sign_in_page, access=everybody),
            route("/sign-in", signing_in.sign_in, "POST", access=everybody),
            route("/sign-in/{link}", signing_in.linked_page, access=everybody),
            route("/sign-in/{link}", signing_in.sign_in_with_link, "POST", access=everybody),
            route("/sign-out", signing_in.sign_out, "POST", access=everybody),
            route("/health/live", pages.live, access=everybody),
            route("/health/ready", pages.ready, access=everybody),
            Route(webhooks.PATH, receiver.answer, methods=["GET", "POST"]),
            Route("/favicon.ico", _favicon),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(Headers, hosts=LOOPBACK | {public.hostname}, is_https=public.scheme == "https")],
        lifespan=receiver.lifespan,
        exception_handlers={
            HTTPException: functools.partial(_http_error, site),
            MetaPipelineError: functools.partial(_our_error, site),
        },
    )


def _check_exposed(settings: Settings, host: str, password: str | None, *, has_people: bool) -> None:
    """Raise ConfigError for settings that are safe on one machine only."""
    if password is None and not has_people:
        raise ConfigError(
            "META_PIPELINE_OPERATOR_PASSWORD is not set, and other machines can reach `serve` "
            f"({host}, {settings.public_url}): set it, or listen on loopback only"
        )
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"META_PIPELINE_OPERATOR_PASSWORD has fewer than {SHORTEST_PASSWORD} characters, and other machines can "
            "reach `serve`: choose a longer one"
        )
    if settings.is_exposed and not settings.public_url.startswith("https://"):
        raise ConfigError(
            f"META_PIPELINE_PUBLIC_URL is {settings.public_url!r}: beyond this machine it must be https://, or others "
            "on the network can read the password and the codes for tokens (Meta accepts no other redirect either)"
        )


async def _favicon(request: Request) -> Response:
    return FileResponse(HERE / "static" / "favicon.ico", media_type="image/x-icon")


async def _answer(
    page: Callable[[Site, Request], Response], site: Site, access: Access, request: Request
) -> Response:
    """Read the form of a request, and run its page if this visitor may use it. A page runs in a thread, because it
    waits for the store and for Meta."""
    try:
        if request.method == "POST":
            request.state.form = await _form(request)
        if page is signing_in.sign_in:
            await site.guard.slow_down(request)
        return await run_in_threadpool(_checked, page, site, access, request)
    except (HTTPException, MetaPipelineError):
        raise
    except ClientDisconnect:
        return Response(status_code=400)  # nobody receives it, and a stranger must not fill the log
    except Exception as error:  # a bug in our code; its text may hold parts of the request
        _LOG.error("a page failed: %s", type(error).__name__)
        return site.message(
            request, "Something went wrong", "This is an error of this service; its type is in the log.", status=500,
            action="Connections", url="/",
        )


def _checked(
    page: Callable[[Site, Request], Response], site: Site, access: Access, request: Request
) -> Response:
    if access is not Access.EVERYBODY and (refused := site.refused_unless(access, request)) is not None:
        return refused
    return page(site, request)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise HTTPException(413, "The form is too large.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


async def _http_error(site: Site, request: Request, error: Exception) -> Response:
    if isinstance(error, GoneError):
        return error.response
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return site.message(request, f"Error {status}", f"{detail}", status=status, action="Connections", url="/")


async def _our_error(site: Site, request: Request, error: Exception) -> Response:
    """Show the sentence of one of our errors, such as a missing setting: it says what to do."""
    return site.message(request, "This does not work yet", f"{error}.", status=503, action=None)
