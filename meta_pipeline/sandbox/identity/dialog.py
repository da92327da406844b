"""The login dialog, for a browser and for a program (docs/graph-api.md §4.1)."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meta_pipeline.sandbox.identity.identity import Identity
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES, CONFIGURATIONS
from meta_pipeline.sandbox.world.cast import APP_ID

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#1c1e21;"
    "background:#fff}a,button{display:inline-block;font:inherit;padding:.7rem 1.4rem;border:0;border-radius:.4rem;"
    "background:#0b57d0;color:#fff;text-decoration:none}a.no{background:#e4e6eb;color:#050505}"
    "label{display:block;padding:.2rem}"
)


def show_dialog(identity: Identity, request: Request, now: dt.datetime) -> Response:
    """Show a browser the dialog with its buttons; redirect a program at once, as if the person had agreed.

    Scopes that were declined earlier are requested again only with `auth_type=rerequest`; a `config_id` requests all
    of its permissions together.
    """
    query = request.query_params
    configuration = CONFIGURATIONS.get(query.get("config_id", ""))
    is_known = configuration is not None or "config_id" not in query
    if query.get("client_id") != APP_ID or not query.get("redirect_uri") or not is_known:
        return HTMLResponse("<!doctype html><h1>Error</h1><p>Invalid App ID, redirect_uri or config_id</p>", 400)
    kind, scopes = configuration or ("USER", _requested_scopes(identity, query))
    accepted_url = _accepted_url(identity, query, now, requested=scopes, granted=scopes, kind=kind)
    if "text/html" not in request.headers.get("accept", ""):
        return RedirectResponse(accepted_url, 302)
    items = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
    choice = "" if configuration else _choice_form(query, scopes)
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, "
        f"initial-scale=1'><title>Log in with Facebook (sandbox)</title><style>{_STYLE}</style>"
        f"<main><h1>Meta Pipeline Sandbox</h1><p>would like permission for:</p><ul>{items}</ul>"
        f"<p><a id=continue href='{html.escape(accepted_url)}'>Continue as Sam</a> "
        f"<a id=cancel class=no href='{html.escape(_declined_url(query))}'>Cancel</a></p>{choice}"
        "</main></html>"
    )


def submit_choice(identity: Identity, request: Request, now: dt.datetime) -> Response:
    """Redirect with a code for the permissions that are still ticked in the form."""
    query = request.query_params
    requested, granted = tuple(query.get("asked", "").split(",")), tuple(query.getlist("scope"))
    url = _accepted_url(identity, query, now, requested=requested, granted=granted, kind="USER")
    return RedirectResponse(url, 302)


def _requested_scopes(identity: Identity, query: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes that a dialog without a configuration shows."""
    scopes = tuple(scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope) or ALL_SCOPES
    if query.get("auth_type") == "rerequest":
        return scopes
    return tuple(scope for scope in scopes if identity.permissions.get(scope) != "declined")


def _choice_form(query: Mapping[str, str], scopes: tuple[str, ...]) -> str:
    """Return the form in which a person unticks permissions; Login for Business has none."""
    hidden = "".join(
        f"<input type=hidden name={name} value='{html.escape(query.get(name, ''))}'>"
        for name in ("client_id", "redirect_uri", "state")
    ) + f"<input type=hidden name=asked value='{html.escape(','.join(scopes))}'>"
    boxes = "".join(
        f"<label><input type=checkbox name=scope value='{html.escape(scope)}' checked> {html.escape(scope)}</label>"
        for scope in scopes
    )
    return (
        f"<details id=edit><summary>Edit access</summary><form action=oauth/choice>{hidden}{boxes}"
        "<p><button id=choose>Continue with these</button></p></form></details>"
    )


def _accepted_url(
    identity: Identity, query: Mapping[str, str], now: dt.datetime, *, requested: tuple[str, ...],
    granted: tuple[str, ...], kind: str,
) -> str:
    """Return the redirect URI with a new code."""
    redirect_uri = query.get("redirect_uri", "")
    code = identity.issue_code(redirect_uri, granted, now, requested=requested, kind=kind)
    return f"{redirect_uri}?" + urlencode({"code": code, "state": query.get("state", "")}) + "#_=_"


def _declined_url(query: Mapping[str, str]) -> str:
    return f"{query.get('redirect_uri', '')}?" + urlencode(
        {"error": "access_denied", "error_code": "200", "error_description": "Permissions error",
         "error_reason": "user_denied", "state": query.get("state", "")}
    )
