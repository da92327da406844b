"""The pages of an invitation, for the customer who has its link. Each shows only that invitation."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.consent import oauth, state
from meta_pipeline.consent.scopes import scopes_for_kinds
from meta_pipeline.consent.signing import digest_of, is_same
from meta_pipeline.consent.state import State, browser_digest
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.inviting.shares import leave_out
from meta_pipeline.invitations import links
from meta_pipeline.invitations.findings import wanted_ids
from meta_pipeline.invitations.links import OpenedLink
from meta_pipeline.invitations.texts.wording import Wording
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.web.routes import following, invitation_status
from meta_pipeline.web.routes.invitation_links import (
    end_with,
    message_page,
    opened_link,
    tenant_of,
    time_text,
    words_of,
)
from meta_pipeline.web.site import Site, our_form


def page(site: Site, request: Request) -> Response:
    """Show an invitation as it is now (`GET /invitations/{link}`)."""
    opened = opened_link(site, request)
    invitation, words, now = opened.invitation, words_of(site, opened.invitation), site.runtime.now()
    if opened.link.is_status:
        return invitation_status.status_page(site, request, opened, words)
    if issuing.is_open(invitation, now=now):
        invitation = issuing.mark_opened(invitation, engine=site.runtime.engine, now=now)
        return _request_page(site, request, invitation, words)
    _refuse_strangers(site, request, opened, words)
    return _result_page(site, request, invitation, words)


def connect(site: Site, request: Request) -> Response:
    """Redirect to the login dialog, with a state that only this browser brings back, for this invitation
    (`GET /invitations/{link}/connect`)."""
    opened = opened_link(site, request)
    words, settings = words_of(site, opened.invitation), site.runtime.settings
    app_id, app_secret = settings.require("app_id"), settings.require("app_secret")
    site.runtime.vault  # noqa: B018 - without a vault there is nowhere to store the token, so no consent is requested
    if opened.link.is_status:
        raise HTTPException(404, "There is no such page.")
    if not issuing.is_open(opened.invitation, now=site.runtime.now()):
        _refuse_strangers(site, request, opened, words)
    scopes = scopes_for_kinds(opened.invitation.kinds, site.runtime.features)
    response = RedirectResponse(
        oauth.authorization_url(
            dialog_url=settings.dialog_url, version=settings.graph_version, app_id=app_id,
            redirect_uri=site.redirect_uri, scopes=[scope.name for scope in scopes],
            state=state.issue(
                key=app_secret, now=site.runtime.now(), phase=2, browser_secret=site.guard.secret_for(request),
                invitation=opened.link.digest,
            ),
            config_id=settings.login_config_id, asks_again=True,
        ),
        303,
    )
    site.guard.remember(request, response)
    site.guard.remember_invitation(response, request.path_params["link"])
    return response


def decline(site: Site, request: Request) -> Response:
    """Record that the customer does not want to share (`POST /invitations/{link}/decline`)."""
    opened = _answering(site, request)
    issuing.decline(opened.invitation, engine=site.runtime.engine, now=site.runtime.now())
    return _declined_page(site, request, opened.invitation, "declined", request.path_params["link"])


def shared(site: Site, request: Request) -> Response:
    """Record that the customer has shared as partner, and check the share (`POST /invitations/{link}/shared`)."""
    opened = _answering(site, request)
    browser = browser_digest(site.guard.secret_for(request))
    issuing.mark_shared(opened.invitation, browser=browser, engine=site.runtime.engine, now=site.runtime.now())
    return RedirectResponse(
        f"/invitations/{request.path_params['link']}", 303, background=BackgroundTask(following.look, site)
    )


def choose(site: Site, request: Request) -> Response:
    """Record which nodes the customer wants to be collected (`POST /invitations/{link}/assets`)."""
    form = our_form(site, request)
    opened = opened_link(site, request)
    words = words_of(site, opened.invitation)
    if opened.link.is_status or issuing.is_open(opened.invitation, now=site.runtime.now()):
        raise HTTPException(404, "There is no such page.")
    _refuse_strangers(site, request, opened, words)
    share = site.share_of(opened.invitation, tenant_of(site, opened.invitation))
    ticked = {name.removeprefix("node-") for name in form if name.startswith("node-")}
    leave_out(
        opened.invitation, ticked, [*share.wanted, *share.others], intake=site.guard.people.current(),
        engine=site.runtime.engine, now=site.runtime.now(),
    )
    return RedirectResponse(f"/invitations/{request.path_params['link']}?{urlencode({'saved': 1})}", 303)


def refused(site: Site, request: Request, login: State) -> Response:
    """Return the page for a customer who did not give consent in the dialog, and record it."""
    opened = links.find_by_digest(site.runtime.engine, login.invitation)
    if opened is None:
        raise HTTPException(404, "There is no such page.")
    issuing.decline(opened.invitation, engine=site.runtime.engine, now=site.runtime.now())
    return _declined_page(site, request, opened.invitation, "refused", _link_of(site, request, login))


def accepted(site: Site, request: Request, login: State, onboarding_id: str) -> Response:
    """Redirect a customer who gave consent back to the invitation, and onboard the consent."""
    opened = links.find_by_digest(site.runtime.engine, login.invitation)
    if opened is None:
        raise HTTPException(404, "There is no such page.")
    issuing.move(
        site.runtime.engine, opened.invitation.id, "signed_in", actor=issuing.CUSTOMER, now=site.runtime.now()
    )
    text = _link_of(site, request, login)
    task = BackgroundTask(following.follow, site, onboarding_id, opened.invitation.id) if site.onboards else None
    return RedirectResponse(
        f"/invitations/{text}" if text else f"/onboardings/{onboarding_id}", 303, background=task
    )


def answerable(site: Site, login: State) -> Invitation | None:
    """Return the invitation that a dialog's answer belongs to, if it may still be answered by this browser."""
    opened = links.find_by_digest(site.runtime.engine, login.invitation)
    if opened is None or opened.link.replaced_at is not None or opened.link.is_status:
        return None
    invitation, now = opened.invitation, site.runtime.now()
    if issuing.is_open(invitation, now=now):
        return invitation
    is_theirs = is_same(invitation.browser or "-", login.browser) and invitation.way == "sign_in"
    return invitation if is_theirs and invitation.state == "partly_granted" and now < invitation.ends_at else None


def _answering(site: Site, request: Request) -> OpenedLink:
    """Return the link of a form that answers the invitation. Raise HTTP 410 if it was answered already."""
    our_form(site, request)
    opened = opened_link(site, request)
    if opened.link.is_status or not issuing.is_open(opened.invitation, now=site.runtime.now()):
        end_with(site, request, words_of(site, opened.invitation), "used")
    return opened


def _refuse_strangers(site: Site, request: Request, opened: OpenedLink, words: Wording) -> None:
    """Raise HTTP 410 unless this browser answered the invitation."""
    browser = site.guard.browser_of(request)
    theirs = opened.invitation.browser
    if browser is None or theirs is None or not is_same(theirs, browser_digest(browser)):
        end_with(site, request, words, "used")


def _declined_page(
    site: Site, request: Request, invitation: Invitation, name: str, link: str | None
) -> Response:
    words = words_of(site, invitation)
    return message_page(
        site, request, words, f"{name}_title", f"{name}_text", status=403 if name == "refused" else 200,
        action=words("back") if link else None, url=f"/invitations/{link}", until=time_text(invitation.ends_at),
    )


def _request_page(site: Site, request: Request, invitation: Invitation, words: Wording) -> Response:
    tenant, intake = tenant_of(site, invitation), site.guard.people.current()
    kinds = ", ".join(words(f"kind_{kind}") for kind in invitation.kinds)
    return site.page(
        request, "invitation.html", language=words.language, t=words, invitation=invitation, tenant=tenant,
        link=request.path_params["link"], business=intake.business, until=time_text(invitation.ends_at),
        declined_at=time_text(invitation.state_at) if invitation.state == "declined" else None,
        wanted={kind: sorted(wanted_ids(tenant, kind)) for kind in invitation.kinds},
        forward=words("forward", business=intake.business or "…", kinds=kinds),
        failure=invitation.assets.get("failure") if _is_theirs(site, request, invitation) else None,
    )


def _result_page(site: Site, request: Request, invitation: Invitation, words: Wording) -> Response:
    """Show how far the check is, or what is shared and what is missing."""
    tenant, intake = tenant_of(site, invitation), site.guard.people.current()
    share = site.share_of(invitation, tenant) if invitation.state in ("partly_granted", "verified") else None
    kinds = ", ".join(words(f"kind_{kind}") for kind in invitation.kinds)
    onboarding = onboardings.get(site.runtime.engine, invitation.onboarding_id) if invitation.onboarding_id else None
    left_out = invitation.assets.get("left_out")
    response = site.page(
        request, "invitation_result.html", language=words.language, t=words, invitation=invitation, share=share,
        link=request.path_params["link"], until=time_text(invitation.ends_at), onboarding=onboarding,
        is_saved="saved" in request.query_params, figures=invitation.assets.get("figures", {}),
        is_ticked=lambda node: node in (share.wanted if share else ()) if left_out is None else node.id not in left_out,
        node_url=site.runtime.action_links.node, forward=words("forward", business=intake.business or "…", kinds=kinds),
    )
    if invitation.way == "partner" and invitation.next_check_at and invitation.next_check_at <= site.runtime.now():
        response.background = BackgroundTask(following.look, site)
    return response


def _is_theirs(site: Site, request: Request, invitation: Invitation) -> bool:
    browser = site.guard.browser_of(request)
    return browser is not None and is_same(invitation.browser or "-", browser_digest(browser))


def _link_of(site: Site, request: Request, login: State) -> str | None:
    """Return the link that this browser came from; None when its cookie is gone."""
    text = site.guard.invitation_of(request)
    return text if text and is_same(login.invitation, digest_of(text)) else None
