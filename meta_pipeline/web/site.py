"""What every page needs: the live objects, the guard, the templates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.display import printable
from meta_pipeline.web import words
from meta_pipeline.web.security import Guard

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Site:
    """`onboards`: this process takes a new connection to its links itself, because no daemon is there to do it;
    `dagster_url`: where runs can be looked at."""

    runtime: Runtime
    guard: Guard
    onboards: bool
    dagster_url: str | None = None

    def page(self, request: Request, template: str, *, status: int = 200, **told: Any) -> HTMLResponse:
        """A page; its browser has a secret afterwards."""
        text = TEMPLATES.get_template(template).render(
            form_token=self.guard.form_token(request), is_guarded=self.guard.password is not None,
            is_signed_in=self.guard.is_signed_in(request), dagster_url=self.dagster_url, now=self.runtime.now(),
            kinds=words.KINDS, token_kinds=words.TOKEN_KINDS, **told,
        )
        response = HTMLResponse(text, status)
        self.guard.remember(request, response)
        return response

    def message(
        self, request: Request, title: str, told: str, *, status: int, click: str | None = "Start again",
        url: str = "/connections/new",
    ) -> HTMLResponse:
        """One thing that happened, and one thing to do."""
        return self.page(request, "message.html", status=status, title=title, told=told, click=click, url=url)

    def refused(self, request: Request) -> Response | None:
        """The way to the sign-in for whoever is no operator."""
        if self.guard.is_signed_in(request):
            return None
        if request.method != "GET":
            raise HTTPException(403, "Sign in first.")
        return RedirectResponse("/sign-in", 303)


def shown(value: Any) -> Any:
    """Make what a template shows safe beyond its markup: names come from Meta and may hold control characters."""
    return printable(value, limit=5000) if isinstance(value, str) and not isinstance(value, Markup) else value


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, finalize=shown,
)
for _filter in (words.ago, words.elapsed, words.counted, words.totals, words.task, words.figures, words.limits):
    TEMPLATES.filters[_filter.__name__] = _filter
