"""The page of the system users of our business: their tokens, and the steps from a new user to a token in use."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from meta_pipeline.consent.scopes import PHASES, scopes_for
from meta_pipeline.consent.state import browser_digest
from meta_pipeline.display import printable
from meta_pipeline.flows.connections import consents, system_users
from meta_pipeline.flows.connections.system_users import BY_HAND, Role
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.web.routes import oauth
from meta_pipeline.web.routes.businesses.forms import admin_for, ids_of, our_businesses, refused, tasks_of
from meta_pipeline.web.site import Site, our_form
from meta_pipeline.web.words import TASKS

PAGE = "/system-users"
LONGEST_NAME = 100
ROLES = ("EMPLOYEE", "ADMIN")
READING_PHASES = {phase: title for phase, title in PHASES.items() if phase < 3}


def listed(site: Site, request: Request) -> Response:
    """List the system users of a business and their tokens (`GET /system-users`): one call to Meta."""
    chosen, businesses = request.query_params.get("business"), our_businesses(site)
    users, problem = [], ""
    if chosen is None and len(businesses) > 1:
        chosen = next(iter(businesses))
    try:
        admin = admin_for(site, chosen)
        chosen, users = admin.business_id, system_users.list_stored(admin, tokens=site.runtime.vault)
    except MetaPipelineError as error:
        problem = str(error)
    return site.page(
        request, "system_users.html", users=users, problem=problem, business=chosen, businesses=businesses,
        tasks=TASKS, by_hand={kind.name: clicks for kind, clicks in BY_HAND.items()}, roles=ROLES,
    )


def create(site: Site, request: Request) -> Response:
    """Create a system user (`POST /system-users/create`)."""
    form = our_form(site, request)
    name, role = form.get("name", "").strip(), form.get("role", "")
    if not 0 < len(name) <= LONGEST_NAME or role not in ROLES:
        raise HTTPException(400, f"Enter a name of 1 to {LONGEST_NAME} characters, and choose a role.")
    try:
        admin_for(site, form.get("business"), WriteKind.SYSTEM_USER_CREATION).create(name, role=cast(Role, role))
    except MetaPipelineError as error:
        return refused(site, request, error, back=_page(form))
    return RedirectResponse(_page(form), 303)


def assign(site: Site, request: Request) -> Response:
    """Give a system user tasks on accounts and Pages (`POST /system-users/assign`)."""
    form = our_form(site, request)
    node_ids, tasks, user_id = ids_of(form.get("nodes", "")), tasks_of(form), form.get("user", "")
    done: list[str] = []
    try:
        for id in (user_id, *node_ids):
            system_users.checked_id(id)
        admin = admin_for(site, form.get("business"), WriteKind.SYSTEM_USER_ASSIGNMENT)
        for node_id in node_ids:
            admin.assign(user_id, node_id, tasks=tasks)
            done.append(node_id)
    except MetaPipelineError as error:
        before = f" Access was given before the error to: {', '.join(done)}." if done else ""
        return site.message(
            request, "This was not done", f"{error}.{before}", status=400, action="Back", url=_page(form)
        )
    return site.message(
        request, "The system user has access",
        f"System user {printable(user_id, limit=50)} may now {', '.join(TASKS[task] for task in tasks)} on "
        f"{', '.join(done)}. Its token is used for them after the links are refreshed, or when it gets a new token.",
        status=200, action="Back", url=_page(form),
    )


def mint(site: Site, request: Request) -> Response:
    """Install the app for a system user, store a new token for it, and show what it reaches
    (`POST /system-users/mint`)."""
    form, runtime = our_form(site, request), site.runtime
    phase = form.get("phase", "")
    if phase not in {str(number) for number in READING_PHASES}:
        raise HTTPException(400, "Choose how much the token may read.")
    try:
        admin = admin_for(site, form.get("business"), WriteKind.SYSTEM_USER_TOKEN, WriteKind.APP_INSTALLATION)
        token = admin.install_and_mint(
            form.get("user", ""), scopes=scopes_for(int(phase), runtime.features),
            expires=form.get("life", "") == "60 days",
        )
    except MetaPipelineError as error:
        return refused(site, request, error, back=_page(form))
    id = consents.accept_token(
        token, phase=0, through="the page of system users", browser=browser_digest(site.guard.secret_for(request)),
        tokens=runtime.vault, engine=runtime.engine, now=runtime.now(), holder=identity() if site.onboards else None,
    )
    task = BackgroundTask(oauth.onboard, site, id) if site.onboards else None
    return RedirectResponse(f"/onboardings/{id}", 303, background=task)


def _page(form: dict[str, str]) -> str:
    business_id = form.get("business", "")
    return f"{PAGE}?{urlencode({'business': business_id})}" if business_id.isdecimal() else PAGE
