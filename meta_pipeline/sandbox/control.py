"""The control calls under `/_sandbox`: trouble, limits, clocks and changes to order, and the truth to compare with.

| call | body or query |
|---|---|
| `GET app`, `secrets`, `calls` | who the app is; what must never get out; how often which path was asked for |
| `GET truth` | `since, until` and `at`, an instant: totals by day, level and id, as they were shown then |
| `GET reach` | the same: the reach of the whole range by level and id |
| `GET breakdown` | the same, `breakdowns` (comma list), `level`: every row, null where Meta leaves the key out |
| `POST world` | the options of `options.Options`, and `add_accounts: [{currency, timezone, name}]` |
| `POST entities` | `{id}` or, to make one, `{create: ad, adset_id}`, `{create: adset, campaign_id}` or
  `{create: campaign, account_id}`; with any of `name, daily_budget, status` and `at`, an instant; or a list of these |
| `POST faults`, `limits`, `clock` | `{fault, path, times}`; the settings of `limits.Settings`; `{now}` |
| `POST tokens`, `dead`, `tasks` | a token; tokens that die; what people may do on a node |

A scenario file is a list of `{"world": …}`, `{"limits": …}`, `{"entities": …}` and faults, followed in order.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox import entities, truth
from meta_pipeline.sandbox.breakdowns import COMBINATIONS
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.nouns import OWN, Account
from meta_pipeline.sandbox.query import LEVELS
from meta_pipeline.sandbox.tokens import ALL_SCOPES
from meta_pipeline.sandbox.world import APP_ID, SYSTEM_USER_ID, USER_ID

FIRST_ADDED = 1_000_000_901


def begin(graph: Graph, scenario: list[dict[str, Any]]) -> None:
    """What a scenario file orders before the first request: limits, a world, changes of entities, faults."""
    for item in scenario:
        if what := next((one for one in ("limits", "world", "entities") if one in item), None):
            control(graph, what, item[what], {})
        else:
            graph.faults.plan([item])


def control(graph: Graph, what: str, body: Any, query: Mapping[str, str]) -> Any:
    """The answer of a control call; ValueError and KeyError say what is wrong with it."""
    graph.changes.catch_up(graph.now())
    match what:
        case "app":
            return {
                "app_id": APP_ID, "app_secret": graph.identity.secret,
                "system_user_token": graph.identity.system_user_token,
            }
        case "truth" | "reach" | "breakdown":
            return _truth(graph, what, query)
        case "world":
            return _world(graph, body)
        case "entities":
            if isinstance(body, list):
                return [control(graph, what, one, query) for one in body]
            made = graph.changes.order(body, graph.now())
            return entities.entity(made, graph.world, graph.now()) if made else {"planned": len(graph.changes.planned)}
        case "faults":
            graph.faults.plan(body if isinstance(body, list) else [body])
            return {"planned": len(graph.faults.planned)}
        case "limits":
            return graph.configure(body)
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
    raise ValueError(f"no control call {what}")


def _truth(graph: Graph, what: str, query: Mapping[str, str]) -> Any:
    """Straight from the facts, as they are now or as they were at `at`."""
    since, until = dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"])
    at = _instant(query["at"]) if "at" in query else graph.now()
    if what == "truth":
        return truth.totals(graph.world, since, until, at)
    if what == "reach":
        return truth.reaches(graph.world, since, until, at)
    names, level = tuple(query["breakdowns"].split(",")), query.get("level", "ad")
    if frozenset(names) not in COMBINATIONS or level not in LEVELS:
        raise ValueError(f"no breakdown {','.join(names)} by {level}")
    return truth.by_breakdown(graph.insights.splits, since, until, at, breakdowns=names, level=level)


def _instant(text: str) -> dt.datetime:
    """An instant of a query, in which a bare `+` has become a space."""
    at = dt.datetime.fromisoformat(re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", text))
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _world(graph: Graph, body: dict[str, Any]) -> dict[str, Any]:
    """The world's options as they are after this; `add_accounts` adds some, in any currency."""
    world, told = graph.world, dict(body)
    added = told.pop("add_accounts", [])
    world.options.configure(told)
    for one in added:
        number = FIRST_ADDED + sum(int(each) >= FIRST_ADDED for each in world.accounts)
        currency, zone = str(one["currency"]), str(one.get("timezone", "Etc/UTC"))
        world.add_account(Account(str(number), str(one.get("name", f"Northwind {currency}")), zone, currency, OWN))
    if body:
        world.changed()
    return {**world.options.told(), "accounts": [f"act_{account_id}" for account_id in world.accounts]}
