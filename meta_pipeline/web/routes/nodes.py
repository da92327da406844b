"""The choice of a node on the connections page: pause it, or read it every day again."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.nodes import choices
from meta_pipeline.store.nodes.choices import Choice
from meta_pipeline.web.site import Site, our_form

# What the buttons send, and what it means.
_CHOICES: dict[str, Choice] = {"pause": "paused", "read": "chosen"}


def choose(site: Site, request: Request) -> Response:
    """Pause a node, or read it every day (`POST /nodes/{id}/choice`)."""
    form = our_form(site, request)
    choice = _CHOICES.get(form.get("choice", ""))
    link = find_link(site.runtime.engine, request.path_params["id"])
    if choice is None or link is None:
        raise HTTPException(404, "There is no such node or choice.")
    choices.save(
        site.runtime.engine, [link.id], choice, chosen_by="the connections page", now=site.runtime.now()
    )
    return RedirectResponse("/", 303)
