"""The objects that every page uses: the runtime, the guard, the templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.consent.local import CALLBACK
from meta_pipeline.display import printable
from meta_pipeline.flows.inviting.shares import Share, share_of
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.web import words
from meta_pipeline.web.access.security import Guard
from meta_pipeline.web.access.visitors import Access

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Site:
    """The objects that the routes share. `onboards`: this process runs onboardings itself, because no daemon does;
    `dagster_url`: the Dagster UI, if there is one; `wake_erasures`: called when an erasure was requested."""

    runtime: Runtime
    guard: Guard
    onboards: bool
    dagster_url: str | None = None
    wake_erasures: Callable[[], None] = lambda: None

    @property
    def redirect_uri(self) -> str:
        """Return the URL that the dialog redirects to; Meta compares it character by character."""
        return self.runtime.settings.public_url.rstrip("/") + CALLBACK

    def share_of(self, invitation: Invitation, tenant: Tenant) -> Share:
        """Return what an invitation brings now, from the control store."""
        runtime = self.runtime
        return share_of(
            invitation, tenant, features=runtime.features, tokens=runtime.vault, engine=runtime.engine
        )

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a page and give its browser a secret."""
        visitor = self.guard.visitor(request)
        text = TEMPLATES.get_template(template).render(
            form_token=self.guard.form_token(request), is_guarded=self.guard.is_guarded, visitor=visitor,
            is_operator=visitor.is_operator, has_ads="ads_creation" in self.runtime.features,
            dagster_url=self.dagster_url, now=self.runtime.now(), kinds=words.KINDS,
            token_kinds=words.TOKEN_KINDS, **values,
        )
        response = HTMLResponse(text, status)
        self.guard.remember(request, response)
        return response

    def message(
        self, request: Request, title: str, text: str, *, status: int, action: str | None = "Start again",
        url: str = "/connections/new",
    ) -> HTMLResponse:
        """Render a page that says what happened, with a link to the next step."""
        return self.page(request, "message.html", status=status, title=title, text=text, action=action, url=url)

    def refused(self, request: Request) -> Response | None:
        """Return a redirect to the sign-in unless this is an operator; HTTP 403 for a form, and for people who have
        signed in."""
        return self.refused_unless(Access.OPERATOR, request)

    def refused_unless(self, access: Access, request: Request) -> Response | None:
        """Return a redirect to the sign-in when a page is not for this visitor; HTTP 403 for a form, and for people who
        have signed in; HTTP 404 for the page of a tenant that they don't see."""
        visitor = self.guard.visitor(request)
        if visitor.may(access, request.path_params.get("tenant")):
            return None
        if visitor.is_signed_in and access is not Access.OPERATOR:
            raise HTTPException(404, "There is no such page.")
        if visitor.is_signed_in:
            raise HTTPException(403, "This page is for the operators of this pipeline.")
        if request.method != "GET":
            raise HTTPException(403, "Sign in first.")
        return RedirectResponse("/sign-in", 303)


def our_form(site: Site, request: Request) -> dict[str, str]:
    """Return the form of a request. Raise HTTP 403 unless it comes from one of our pages in the same browser."""
    form: dict[str, str] = request.state.form
    if not site.guard.is_our_form(request, form.get("form_token", "")):
        raise HTTPException(403, "This form is out of date: reload the page and try again.")
    return form


def without_control_characters(value: Any) -> Any:
    """Remove control characters from what a template shows: names come from Meta."""
    return printable(value, limit=5000) if isinstance(value, str) and not isinstance(value, Markup) else value


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, finalize=without_control_characters,
)
for _filter in (
    words.ago, words.elapsed, words.counted, words.totals, words.collected, words.task, words.figures, words.limits,
):
    TEMPLATES.filters[_filter.__name__] = _filter
