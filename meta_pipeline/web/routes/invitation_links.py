"""The link of an invitation that a request names, or the page that says why it has ended; and the texts for its
customer."""

from __future__ import annotations

import datetime as dt
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.flows.inviting import issuing
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.invitations import links
from meta_pipeline.invitations.links import OpenedLink
from meta_pipeline.invitations.texts.wording import Wording
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.web.site import Site

GONE = 410


def opened_link(site: Site, request: Request) -> OpenedLink:
    """Return the link of the path. Raise HTTP 404 for one that we did not issue, and 410 for one that has ended."""
    opened = links.find(site.runtime.engine, request.path_params["link"])
    if opened is None or site.guard.people.current().tenant(opened.invitation.tenant) is None:
        raise HTTPException(404, "There is no such page.")
    words, now, engine = words_of(site, opened.invitation), site.runtime.now(), site.runtime.engine
    if opened.link.replaced_at is not None:
        end_with(site, request, words, "replaced")
    if opened.invitation.state == "revoked":
        end_with(site, request, words, "revoked")
    if now >= opened.link.ends_at or opened.invitation.state == "lapsed":
        issuing.mark_opened(opened.invitation, engine=engine, now=now)  # lapses it
        end_with(site, request, words, "lapsed", until=time_text(opened.link.ends_at))
    return opened


class GoneError(HTTPException):
    """A link that has ended, with the page that says so."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(GONE)


def end_with(site: Site, request: Request, words: Wording, name: str, *, until: str = "") -> NoReturn:
    """Raise HTTP 410 with the page that says why a link has ended."""
    raise GoneError(message_page(site, request, words, f"{name}_title", f"{name}_text", status=GONE, until=until))


def message_page(
    site: Site, request: Request, words: Wording, title: str, text: str, *, status: int, action: str | None = None,
    url: str = "", **values: object,
) -> Response:
    """Return a page with a title and a text, in the language of the invitation."""
    return site.page(
        request, "message.html", status=status, language=words.language, title=words(title, **values),
        text=words(text, **values), action=action, url=url,
    )


def words_of(site: Site, invitation: Invitation) -> Wording:
    """Return the texts for the customer of an invitation."""
    intake = site.guard.people.current()
    tenant = intake.tenant(invitation.tenant)
    return Wording(invitation.language, intake.display_name, tenant.display_name if tenant else invitation.tenant)


def tenant_of(site: Site, invitation: Invitation) -> Tenant:
    """Return the tenant of an invitation."""
    return issuing.tenant_of(site.guard.people.current(), invitation.tenant)


def time_text(at: dt.datetime) -> str:
    """Return a time as the pages of invitations show it."""
    return f"{at:%Y-%m-%d %H:%M}"
