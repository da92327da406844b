"""The page of a tenant, for the people whom the intake names: its nodes, how fresh they are, and its file."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from meta_pipeline.files import reading
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.invitations.states import parse_life
from meta_pipeline.invitations.texts.wording import DEFAULT_LANGUAGE, LANGUAGES
from meta_pipeline.publish.policy import location_of
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.landed import read_times
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.web.access.visitors import Access
from meta_pipeline.web.site import Site, our_form

INVITED_KINDS = ("ad_account", "page", "instagram_account", "pixel", "catalog")


def tenant_page(site: Site, request: Request) -> Response:
    """Show a tenant's nodes and its published file (`GET /tenants/{tenant}`). It reads the control store only."""
    tenant, engine = _tenant(site, request), site.runtime.engine
    links = [link for link in list_links(engine) if tenant.has(Node(link.kind, link.id, link.owner))]
    location = location_of(site.runtime.settings.published_file, tenant.name)
    return site.page(
        request, "tenant.html", tenant=tenant, links=links, read_at=read_times.last_read_by_node(engine),
        is_published=reading.exists(location), words_of=issuing.state_words, languages=LANGUAGES,
        is_tenant_operator=site.guard.visitor(request).may(Access.TENANT_OPERATOR, tenant.name),
        invitations=invitations.find_all(engine, tenant=tenant.name), invited_kinds=INVITED_KINDS,
        default_kinds=issuing.default_kinds(tenant),
    )


def tenant_file(site: Site, request: Request) -> Response:
    """Send a tenant's published file (`GET /tenants/{tenant}/warehouse.duckdb`)."""
    tenant = _tenant(site, request)
    location = location_of(site.runtime.settings.published_file, tenant.name)
    if not reading.exists(location):
        raise HTTPException(404, "Nothing has been published yet. The next build writes this file.")
    return FileResponse(
        reading.duckdb_location(location), media_type="application/octet-stream", filename=f"{tenant.name}.duckdb"
    )


def invite(site: Site, request: Request) -> Response:
    """Create an invitation, and show its link once (`POST /tenants/{tenant}/invitations`)."""
    form, tenant = our_form(site, request), _tenant(site, request)
    runtime = site.runtime
    issued = issuing.invite(
        tenant.name, kinds=[kind for kind in INVITED_KINDS if form.get(f"kind-{kind}")],
        language=form.get("language", DEFAULT_LANGUAGE), life=parse_life(form.get("expires", "7d")),
        actor="the tenant's page", intake=site.guard.people.current(), engine=runtime.engine,
        public_url=runtime.settings.public_url, now=runtime.now(),
    )
    return _issued_page(site, request, tenant, issued)


def reissue(site: Site, request: Request) -> Response:
    """Issue a new link for an invitation, and show it once (`POST /tenants/{tenant}/invitations/{id}/reissue`)."""
    tenant, invitation = _own_invitation(site, request)
    issued = issuing.reissue(
        invitation.id, actor="the tenant's page", engine=site.runtime.engine,
        public_url=site.runtime.settings.public_url, now=site.runtime.now(),
    )
    return _issued_page(site, request, tenant, issued)


def revoke(site: Site, request: Request) -> Response:
    """Revoke an invitation (`POST /tenants/{tenant}/invitations/{id}/revoke`)."""
    tenant, invitation = _own_invitation(site, request)
    issuing.revoke(invitation.id, actor="the tenant's page", engine=site.runtime.engine, now=site.runtime.now())
    return RedirectResponse(f"/tenants/{tenant.name}", 303)


def _own_invitation(site: Site, request: Request) -> tuple[Tenant, Invitation]:
    """Return the invitation that the path names. Raise HTTP 404 for one of another tenant."""
    our_form(site, request)
    tenant, invitation = _tenant(site, request), invitations.find(site.runtime.engine, request.path_params["id"])
    if invitation is None or invitation.tenant != tenant.name:
        raise HTTPException(404, "There is no such invitation.")
    return tenant, invitation


def _issued_page(site: Site, request: Request, tenant: Tenant, issued: issuing.IssuedLink) -> Response:
    return site.page(request, "invited.html", tenant=tenant, issued=issued)


def _tenant(site: Site, request: Request) -> Tenant:
    tenant = site.guard.people.current().tenant(request.path_params["tenant"])
    if tenant is None:
        raise HTTPException(404, "There is no such page.")
    return tenant
