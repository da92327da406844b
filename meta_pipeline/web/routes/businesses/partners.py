"""The page of shares with partners, both ways: what waits for whom, what to click, and the steps that we can take."""

from __future__ import annotations

import functools

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.flows.connections import given_shares, partner_shares
from meta_pipeline.flows.connections.system_users import checked_id
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.nodes import share_requests
from meta_pipeline.web.routes.businesses.forms import admin_for, our_businesses, refused, tasks_of
from meta_pipeline.web.site import Site, our_form
from meta_pipeline.web.words import SHARE_STATES, TASKS

PAGE = "/partners"
SHARED_KINDS = ("ad_account", "page")


def partners(site: Site, request: Request) -> Response:
    """Show every share that was started here (`GET /partners`). It reads the control store only."""
    engine = site.runtime.engine
    links = {link.id: link for link in list_links(engine)}
    owned = [link for link in links.values() if link.access == "owned" and link.kind in SHARED_KINDS]
    return site.page(
        request, "partners.html", shares=share_requests.find_all(engine), links=links, states=SHARE_STATES,
        tasks=TASKS, businesses=our_businesses(site), owned=sorted(owned, key=lambda link: (link.kind, link.name)),
    )


def ask(site: Site, request: Request) -> Response:
    """Request a partner's node (`POST /partners/request`)."""
    form = our_form(site, request)
    tasks = tasks_of(form)
    try:
        partner_shares.request(
            form.get("node", "").strip(), tasks=tasks,
            admin=admin_for(site, form.get("business"), WriteKind.PARTNER_REQUEST),
            engine=site.runtime.engine, now=site.runtime.now(),
        )
    except MetaPipelineError as error:
        return refused(site, request, error, back=PAGE)
    return RedirectResponse(PAGE, 303)


def check(site: Site, request: Request) -> Response:
    """Poll the waiting shares now (`POST /partners/check`)."""
    our_form(site, request)
    runtime = site.runtime
    try:
        for share in share_requests.find_all(runtime.engine):
            if share.state == "waiting":
                partner_shares.poll_any(
                    share, admin_of=functools.partial(admin_for, site), page_token_of=runtime.page_token_of,
                    engine=runtime.engine, now=runtime.now(),
                )
    except MetaPipelineError as error:
        return refused(site, request, error, back=PAGE)
    return RedirectResponse(PAGE, 303)


def give(site: Site, request: Request) -> Response:
    """Give a partner tasks on one of our nodes (`POST /partners/give`)."""
    form, runtime = our_form(site, request), site.runtime
    node_id, tasks = form.get("node", "").strip(), tasks_of(form)
    try:
        checked_id(node_id)
        given_shares.give(
            node_id, form.get("partner", "").strip(), tasks=tasks,
            admin=admin_for(site, form.get("business"), WriteKind.PARTNER_ACCESS),
            engine=runtime.engine, now=runtime.now(),
            page_token=runtime.page_token_of(node_id),
        )
    except MetaPipelineError as error:
        return refused(site, request, error, back=PAGE)
    return RedirectResponse(PAGE, 303)


def take_back(site: Site, request: Request) -> Response:
    """End a partner's access to one of our nodes (`POST /partners/take-back`)."""
    form, runtime = our_form(site, request), site.runtime
    node_id = form.get("node", "").strip()
    try:
        checked_id(node_id)
        given_shares.take_back(
            node_id, form.get("partner", "").strip(),
            admin=admin_for(site, form.get("business"), WriteKind.PARTNER_REMOVAL),
            engine=runtime.engine, now=runtime.now(),
            page_token=runtime.page_token_of(node_id),
        )
    except MetaPipelineError as error:
        return refused(site, request, error, back=PAGE)
    return RedirectResponse(PAGE, 303)
