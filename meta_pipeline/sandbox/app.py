"""The HTTP side: routes, the login dialog, and the control calls under /_sandbox."""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from meta_pipeline.sandbox.answers import Ask
from meta_pipeline.sandbox.graph import DEFAULT_VERSION, Graph, cut_version
from meta_pipeline.sandbox.identity import ALL_SCOPES, CONFIGURATIONS
from meta_pipeline.sandbox.world import APP_ID, SYSTEM_USER_ID, USER_ID, added, money

CONSTANT = {
    "content-type": "application/json; charset=UTF-8", "access-control-allow-origin": "*",
    "cache-control": "private, no-cache, no-store, must-revalidate", "pragma": "no-cache",
    "expires": "Sat, 01 Jan 2000 00:00:00 GMT", "vary": "Origin, Accept-Encoding",
}


def create_app(
    *, seed: int = 1, now: dt.datetime | None = None, scenario: list[dict[str, Any]] | None = None, speed: float = 1.0,
    accounts: int = 6,
) -> Starlette:
    """The sandbox as an ASGI app. `speed`: how many of its seconds pass in one of ours."""
    graph = Graph(seed=seed, now=now, accounts=accounts)
    if speed != 1.0:
        graph.clock = fast_clock(speed)
    for item in scenario or []:
        if "limits" in item:
            _control(graph, "limits", item["limits"], {})
        else:
            graph.faults.plan([item])

    async def serve(request: Request) -> Response:
        version, path = cut_version(request.url.path.lstrip("/"))
        if path == "dialog/oauth":
            return _dialog(graph, request)
        if path == "dialog/oauth/choice":
            return _chosen(graph, request)
        ask = Ask(
            request.method, path, version or DEFAULT_VERSION if not path.startswith("act_") else version,
            await _params(request), request.headers, str(request.base_url).rstrip("/"),
        )
        answer = graph.answer(ask)
        if answer.headers.pop("x-sandbox-hang", None):
            await asyncio.sleep(300)
        return Response(answer.content, answer.status, {**CONSTANT, **answer.headers})

    async def control(request: Request) -> Response:
        body = json.loads(await request.body() or b"{}") if request.method == "POST" else {}
        return JSONResponse(_control(graph, request.path_params["what"], body, dict(request.query_params)))

    app = Starlette(
        routes=[
            Route("/_sandbox/{what}", control, methods=["GET", "POST"]),
            Route("/{path:path}", serve, methods=["GET", "POST", "DELETE"]),
        ]
    )
    app.state.graph = graph
    return app


def fast_clock(speed: float) -> Callable[[], dt.datetime]:
    """A clock that shows the real time now and runs `speed` times as fast from here on."""
    base = dt.datetime.now(dt.UTC)
    return lambda: base + (dt.datetime.now(dt.UTC) - base) * speed


async def _params(request: Request) -> dict[str, str]:
    params = dict(request.query_params)
    if request.method != "GET":
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/"):
            form = await request.form()
            params |= {name: value for name, value in form.items() if isinstance(value, str)}
        else:
            params |= dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    return params


def _dialog(graph: Graph, request: Request) -> Response:
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
        "<!doctype html><html lang=en><meta charset=utf-8><title>Log in with Facebook (sandbox)</title>"
        "<style>body{font:16px system-ui;max-width:32rem;margin:4rem auto}a,button{display:inline-block;font:inherit;"
        "padding:.7rem 1.4rem;border:0;border-radius:.4rem;background:#1877f2;color:#fff;text-decoration:none}"
        "a.no{background:#e4e6eb;color:#050505}label{display:block;padding:.2rem}</style>"
        f"<h1>Meta Pipeline Sandbox</h1><p>would like to read:</p><ul>{items}</ul>"
        f"<p><a id=continue href='{html.escape(yes)}'>Continue as Sam</a> "
        f"<a id=cancel class=no href='{html.escape(no)}'>Cancel</a></p>{_choice(asked, scopes, config is None)}</html>"
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


def _chosen(graph: Graph, request: Request) -> Response:
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


def _control(graph: Graph, what: str, body: Any, query: Mapping[str, str]) -> Any:
    match what:
        case "app":
            return {
                "app_id": APP_ID, "app_secret": graph.identity.secret,
                "system_user_token": graph.identity.system_user_token,
            }
        case "truth":
            return truth(graph, dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"]))
        case "faults":
            graph.faults.plan(body if isinstance(body, list) else [body])
            return {"planned": len(graph.faults.planned)}
        case "limits":
            told = graph.limits.configure(body)
            settings = graph.limits.settings
            graph.runs.most_running = settings.running_report_runs
            graph.runs.most_rows, graph.runs.page_bytes = settings.rows_a_request, settings.page_bytes
            return told
        case "clock":
            if "now" in body:
                graph.fixed_now = dt.datetime.fromisoformat(body["now"])
            return {"now": graph.now().isoformat()}
        case "secrets":  # every token, code and secret there is: for whoever wants to prove that none got out
            return [graph.identity.secret, *graph.identity.tokens, *graph.identity.codes]
        case "calls":
            return graph.calls
        case "tokens":
            life = dt.timedelta(seconds=body["expires_in"]) if "expires_in" in body else None
            token = graph.identity.mint(
                body.get("kind", "USER"), scopes=tuple(body.get("scopes", ALL_SCOPES)), now=graph.now(), life=life,
                dead=body.get("dead"), subject_id=SYSTEM_USER_ID if body.get("kind") == "SYSTEM_USER" else USER_ID,
            )
            return {"access_token": token.value}
        case "dead":  # tokens that were given out die: `subcode` of 190, and of which `kind`
            return {"killed": graph.identity.kill(body["subcode"], body.get("kind"))}
        case "tasks":  # what people may do on a node from now on; nothing: it is not shared any more
            graph.tasks[str(body["node"]).removeprefix("act_")] = list(body["tasks"])
            return graph.tasks
    return {"error": f"no control call {what}"}


def truth(graph: Graph, since: dt.date, until: dt.date) -> dict[str, list[dict[str, Any]]]:
    """Exact totals by account, day and level, straight from the facts: `spend` and `value` as decimal strings."""
    now = graph.now()
    found: dict[str, list[dict[str, Any]]] = {"account": [], "campaign": [], "adset": [], "ad": []}
    for account in graph.world.accounts.values():
        for n in range((until - since).days + 1):
            day = since + dt.timedelta(days=n)
            groups: dict[tuple[str, str], list[Any]] = {}
            for ad in graph.world.ads_of(account.id):
                fact = graph.world.fact(ad, day, now)
                if fact.impressions:
                    ids = {"account": account.id, "campaign": ad.parents[0].id, "adset": ad.parents[1].id, "ad": ad.id}
                    for level, node_id in ids.items():
                        groups.setdefault((level, node_id), []).append(fact)
            for (level, node_id), facts in groups.items():
                total = added(facts)
                found[level].append({
                    "account_id": account.id, "id": node_id, "day": day.isoformat(), "level": level,
                    "currency": account.currency, "spend": money(total.spend), "impressions": total.impressions,
                    "clicks": total.clicks, "inline_link_clicks": total.link_clicks, "reach": total.reach,
                    "purchases": total.purchases, "value": money(total.value),
                })
    return found
