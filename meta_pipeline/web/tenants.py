"""The page of a tenant, for the people whom the intake names: its nodes, how fresh they are, and its file."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from meta_pipeline.files import reading
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.publish.policy import location_of
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.landed import read_times
from meta_pipeline.web.site import Site


def tenant_page(site: Site, request: Request) -> Response:
    """Show a tenant's nodes and its published file (`GET /tenants/{tenant}`). It reads the control store only."""
    tenant, engine = _tenant(site, request), site.runtime.engine
    links = [link for link in list_links(engine) if tenant.has(Node(link.kind, link.id, link.owner_business))]
    location = location_of(site.runtime.settings.published_file, tenant.name)
    return site.page(
        request, "tenant.html", tenant=tenant, links=links, read_at=read_times.last_read_by_node(engine),
        is_published=reading.exists(location),
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


def _tenant(site: Site, request: Request) -> Tenant:
    tenant = site.guard.people.current().tenant(request.path_params["tenant"])
    if tenant is None:
        raise HTTPException(404, "There is no such page.")
    return tenant
