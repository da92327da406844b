"""The login dialog, for persons and for programs (graph-api.md §4.1)."""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.tokens import ALL_SCOPES, CONFIGURATIONS
from meta_pipeline.sandbox.world import APP_ID


def dialog(graph: Graph, request: Request) -> Response:
    """The login dialog: buttons for a person, an answer at once for a program. What was declined before is asked again
    only with `auth_type=rerequest`; a `config_id` asks for all of its permissions or nothing (graph-api.md §4.1)."""
    asked = request.query_params
    redirect_uri = asked.get("redirect_uri", "")
    config = CONFIGURATIONS.get(asked.get("config_id", ""))
    if asked.get("client_id") != APP_ID or not redirect_uri or ("config_id" in asked and config is None):
        return HTMLResponse("<!doctype html><h1>Error</h1><p>Invalid App ID, redirect_uri or config_id</p>", 400)
    kind, scopes = config or ("USER", _asked(graph, asked))
    yes, no = _yes(graph, asked, scopes, scopes, kind), _no(asked)
    if "text/html" not in request.headers.get("accept", ""):
        return RedirectResponse(yes, 302)
    items = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, "
        "initial-scale=1'><title>Log in with Facebook (sandbox)</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#1c1e21;"
        "background:#fff}a,button{display:inline-block;font:inherit;padding:.7rem 1.4rem;border:0;border-radius:.4rem;"
        "background:#0b57d0;color:#fff;text-decoration:none}a.no{background:#e4e6eb;color:#050505}"
        "label{display:block;padding:.2rem}</style>"
        f"<main><h1>Meta Pipeline Sandbox</h1><p>would like permission for:</p><ul>{items}</ul>"
        f"<p><a id=continue href='{html.escape(yes)}'>Continue as Sam</a> "
        f"<a id=cancel class=no href='{html.escape(no)}'>Cancel</a></p>{_choice(asked, scopes, config is None)}"
        "</main></html>"
    )


def _asked(graph: Graph, asked: Mapping[str, str]) -> tuple[str, ...]:
    """The scopes of a classic dialog that are put before the person."""
    scopes = tuple(scope for scope in asked.get("scope", "").replace(" ", ",").split(",") if scope) or ALL_SCOPES
    if asked.get("auth_type") == "rerequest":
        return scopes
    return tuple(scope for scope in scopes if graph.identity.permissions.get(scope) != "declined")


def _choice(asked: Mapping[str, str], scopes: tuple[str, ...], is_classic: bool) -> str:
    """The form in which a person unticks permissions; Login for Business has none."""
    if not is_classic:
        return ""
    hidden = "".join(
        f"<input type=hidden name={name} value='{html.escape(asked.get(name, ''))}'>"
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


def chosen(graph: Graph, request: Request) -> Response:
    """Back from the form, with what stayed ticked."""
    asked = request.query_params
    scopes = tuple(asked.get("asked", "").split(","))
    return RedirectResponse(_yes(graph, asked, scopes, tuple(asked.getlist("scope")), "USER"), 302)


def _yes(
    graph: Graph, asked: Mapping[str, str], scopes: tuple[str, ...], granted: tuple[str, ...], kind: str
) -> str:
    """Where the browser goes with a code."""
    redirect_uri = asked.get("redirect_uri", "")
    code = graph.identity.issue_code(redirect_uri, granted, graph.now(), asked=scopes, kind=kind)
    return f"{redirect_uri}?" + urlencode({"code": code, "state": asked.get("state", "")}) + "#_=_"


def _no(asked: Mapping[str, str]) -> str:
    return f"{asked.get('redirect_uri', '')}?" + urlencode(
        {"error": "access_denied", "error_code": "200", "error_description": "Permissions error",
         "error_reason": "user_denied", "state": asked.get("state", "")}
    )
