"""What every page needs: the live objects, the guard, the templates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Live
from meta_pipeline.web.security import Guard

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Site:
    """`onboards`: this process takes a new connection to its links itself, because no daemon is there to do it;
    `dagster_url`: where runs can be looked at."""

    home: Live
    guard: Guard
    onboards: bool
    dagster_url: str | None = None

    def page(self, request: Request, template: str, *, status: int = 200, **told: Any) -> HTMLResponse:
        """A page; its browser has a secret afterwards."""
        text = TEMPLATES.get_template(template).render(
            form_token=self.guard.form_token(request), is_guarded=self.guard.password is not None,
            is_signed_in=self.guard.is_signed_in(request), dagster_url=self.dagster_url, now=bootstrap.now(), **told,
        )
        response = HTMLResponse(text, status)
        self.guard.remember(request, response)
        return response

    def message(
        self, request: Request, title: str, told: str, *, status: int, click: str | None = "Start again",
        url: str = "/connect?phase=1",
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


def ago(at: dt.datetime | None, now: dt.datetime) -> str:
    """`3 h ago`, as people say it."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if seconds < 90:
        return "just now"
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or unit == "min":
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)
TEMPLATES.filters["ago"] = ago
