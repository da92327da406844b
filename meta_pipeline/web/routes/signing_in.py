"""The sign-in pages: with a personal link, or with the operator password if the intake names no operators."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.consent import sign_in_link
from meta_pipeline.flows.sign_ins import sign_ins
from meta_pipeline.web.access.visitors import Visitor
from meta_pipeline.web.site import Site, our_form

SENT = "If this address may sign in here, a mail with a link is on its way. The link works once, for 15 minutes."


def sign_in_page(site: Site, request: Request) -> Response:
    """Show the sign-in (`GET /sign-in`)."""
    visitor = site.guard.visitor(request)
    if visitor.is_signed_in:
        return RedirectResponse(first_page(visitor), 303)
    return _page(site, request)


def sign_in(site: Site, request: Request) -> Response:
    """Check the operator's password, or send a link to an address (`POST /sign-in`)."""
    form = our_form(site, request)
    if "email" in form and site.guard.people.current().has_people:
        # The mail is sent after the response, so that the response time does not reveal whether the address is known.
        runtime = site.runtime
        links = sign_ins(runtime.settings, engine=runtime.engine, intake=runtime.intake, now=runtime.now())
        task = BackgroundTask(links.send_mail, form["email"])
        response = _page(site, request, notice=SENT)
        response.background = task
        return response
    if not site.guard.is_password(request, form.get("password", "")):
        return _page(site, request, status=403, error="That is not the password.")
    response = RedirectResponse("/", 303)
    site.guard.sign_in(response)
    return response


def linked_page(site: Site, request: Request) -> Response:
    """Show the button that uses a sign-in link: opening it alone signs nobody in, because programs that check mails
    open every link (`GET /sign-in/{link}`)."""
    if not sign_in_link.is_open(site.runtime.engine, request.path_params["link"], now=site.runtime.now()):
        raise _ended()
    return site.page(request, "sign_in_link.html", link=request.path_params["link"])


def sign_in_with_link(site: Site, request: Request) -> Response:
    """Sign in the person of a link (`POST /sign-in/{link}`)."""
    our_form(site, request)
    digest = sign_in_link.use(site.runtime.engine, request.path_params["link"], now=site.runtime.now())
    person = site.guard.person_of(digest) if digest is not None else None
    if person is None:
        raise _ended()
    response = RedirectResponse(first_page(Visitor(is_operator=person.is_operator, person=person)), 303)
    site.guard.sign_in(response, person=person)
    return response


def sign_out(site: Site, request: Request) -> Response:
    """End the session (`POST /sign-out`)."""
    our_form(site, request)
    response = RedirectResponse("/sign-in", 303)
    site.guard.sign_out(request, response)
    return response


def first_page(visitor: Visitor) -> str:
    """Return the page that a visitor sees first."""
    if visitor.is_operator or not visitor.tenants:
        return "/"
    return f"/tenants/{visitor.tenants[0]}"


def _page(
    site: Site, request: Request, *, status: int = 200, error: str | None = None, notice: str | None = None
) -> Response:
    intake = site.guard.people.current()
    return site.page(
        request, "sign_in.html", status=status, error=error, notice=notice, has_people=intake.has_people,
        sends_mail=site.runtime.settings.smtp_url is not None, accepts_password=site.guard.accepts_password,
    )


def _ended() -> HTTPException:
    return HTTPException(404, "This link no longer works: it was used, or is older than 15 minutes. Get a new one.")
