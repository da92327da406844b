"""Our businesses, the ids and tasks of a form, and refusals, for the pages of partners and system users."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.flows.connections.system_users import Admin, admin_of
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.store.nodes import business_assets
from meta_pipeline.web.site import Site
from meta_pipeline.web.words import TASKS

MOST_IDS = 50


def admin_for(site: Site, business_id: str | None, *writes: WriteKind) -> Admin:
    """Return one of our businesses and the token that administers it; without an id, the only one that our tokens see.
    Raise ConfigError if one of the changes is switched off."""
    runtime = site.runtime
    return admin_of(
        business_id or None, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, writes=writes
    )


def our_businesses(site: Site) -> dict[str, str]:
    """Return the businesses that our tokens see: names by id."""
    return business_assets.names(site.runtime.engine)


def tasks_of(form: dict[str, str]) -> list[str]:
    """Return the tasks that are ticked in a form. Raise HTTP 400 if there are none."""
    tasks = [task for task in TASKS if form.get(f"task-{task}")]
    if not tasks:
        raise HTTPException(400, "Tick at least one task.")
    return tasks


def ids_of(text: str) -> list[str]:
    """Return the ids of a form's field, separated by spaces or commas. Raise HTTP 400 for none, and for too many."""
    ids = list(dict.fromkeys(text.replace(",", " ").split()))
    if not 0 < len(ids) <= MOST_IDS:
        raise HTTPException(400, f"Enter the ids of 1 to {MOST_IDS} accounts or Pages.")
    return ids


def refused(site: Site, request: Request, error: MetaPipelineError, *, back: str) -> Response:
    """Return the page that says why a step was refused and what to do instead."""
    status = 400 if isinstance(error, ConfigError) else 502
    return site.message(request, "This was not done", f"{error}.", status=status, action="Back", url=back)
