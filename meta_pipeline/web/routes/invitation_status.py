"""The status page of an invitation, where its customer reads what is shared, disconnects it, and has it erased."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.erasure.plan import plan_for
from meta_pipeline.flows.connections import tokens
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.leaving import customers
from meta_pipeline.flows.leaving.places import places_of, stored_facts
from meta_pipeline.invitations.links import OpenedLink
from meta_pipeline.invitations.texts.wording import Wording
from meta_pipeline.web.routes import leaving
from meta_pipeline.web.routes.invitation_links import message_page, opened_link, tenant_of, time_text, words_of
from meta_pipeline.web.site import Site, our_form


def status_page(site: Site, request: Request, opened: OpenedLink, words: Wording) -> Response:
    """Show what an invitation's customer shares, and how to end it."""
    invitation = opened.invitation
    share = site.share_of(invitation, tenant_of(site, invitation))
    return site.page(
        request, "invitation_status.html", language=words.language, t=words, invitation=invitation, share=share,
        link=request.path_params["link"], figures=invitation.assets.get("figures", {}),
        until=time_text(opened.link.ends_at),
    )


def disconnect(site: Site, request: Request) -> Response:
    """End the access of an invitation (`POST /invitations/{link}/disconnect`)."""
    our_form(site, request)
    opened = _opened(site, request)
    invitation = opened.invitation
    if invitation.token_ref is None:
        raise HTTPException(404, "There is no such page.")
    tokens.disconnect(invitation.token_ref, graph=site.runtime.graph, tokens=site.runtime.vault)
    issuing.move(
        site.runtime.engine, invitation.id, "revoked", actor=issuing.CUSTOMER, now=site.runtime.now()
    )
    return message_page(site, request, words_of(site, invitation), "disconnect", "disconnected", status=200)


def confirm_erasure(site: Site, request: Request) -> Response:
    """Show what would be erased, and what stays because others grant it (`GET /invitations/{link}/erase`)."""
    invitation = _opened(site, request).invitation
    words, share = words_of(site, invitation), site.share_of(invitation, tenant_of(site, invitation))
    plan = plan_for("invitation", invitation.id, stored_facts(places_of(site.runtime)))
    return site.page(
        request, "invitation_erase.html", language=words.language, t=words, link=request.path_params["link"],
        count=len(plan.nodes), erased=[node for node in share.wanted if node.id in plan.nodes],
        staying=[node for node in share.wanted if node.id not in plan.nodes], takes_token=bool(plan.people),
    )


def erase(site: Site, request: Request) -> Response:
    """Queue the erasure of what an invitation brought, end its access, and show where the progress is
    (`POST /invitations/{link}/erase`)."""
    our_form(site, request)
    invitation, runtime = _opened(site, request).invitation, site.runtime
    code = customers.erase_invitation(
        invitation, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=runtime.now()
    )
    site.wake_erasures()
    words = words_of(site, invitation)
    return message_page(
        site, request, words, "erasing_title", "erasing_text", status=200, action=words("erasing_link"),
        url=f"{leaving.STATUS}/{code}", code=code,
    )


def _opened(site: Site, request: Request) -> OpenedLink:
    """Return the link of the path. Raise HTTP 404 unless it is a link to the status page."""
    opened = opened_link(site, request)
    if not opened.link.is_status:
        raise HTTPException(404, "There is no such page.")
    return opened
