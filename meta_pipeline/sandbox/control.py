"""The control calls under `/_sandbox`: they set faults, limits, clocks and changes, and return exact totals.

| call | body or query |
|---|---|
| `GET app`, `secrets`, `calls` | the app's credentials; every secret; how often each path was requested |
| `GET truth` | `since, until` and `at`, an instant: totals by day, level and id, as they were reported then |
| `GET reach` | the same: the reach of the whole range by level and id |
| `GET activities` | the same: every entry of the activity logs, by account and local day |
| `GET truth/pages` | the same: what could be read of Pages and posts at `at` (`pages.truth` has the records) |
| `GET truth/instagram` | the same: what could be read of Instagram at `at` (`instagram.truth` has the records) |
| `GET breakdown` | the same, `breakdowns` (comma list), `level`: every row, null where Meta leaves the key out |
| `POST world` | the options of `world.options.WorldOptions`, and `add_accounts: [{currency, timezone, name}]` |
| `POST entities` | `{id}` to edit, `{create: ad, adset_id}`, `{create: adset, campaign_id}` or
  `{create: campaign, account_id}`; with any of `name, daily_budget, status` and `at`, an instant; or a list of these |
| `POST creation` | `{processing_s, processing_fails, review_s, review_fails}`: how videos are processed, ads reviewed |
| `POST posts` | `{id, message}` edits a post of a Page, `{id, delete: true}` deletes it; `at`, an instant |
| `POST media` | `{id, caption}` edits a caption on Instagram, `{id, delete: true}` deletes media or a story; `at` |
| `POST faults`, `limits`, `clock` | `{fault, path, times}` (`protocol.faults` has the names); the fields of
  `limit_settings.LimitSettings`; `{now}` |
| `POST conversations` | `{page_id, platform, person_id, name, text}` writes to a Page, `{…, answer}` answers |
| `POST leads` | `{form_id or page_id, answers, ad_id}` submits a lead, queues its webhook unless `webhook` is false |
| `POST tokens`, `dead`, `tasks` | issue a token; invalidate tokens; set what people may do on a node |
| `POST signed_request`, `callbacks` | what Meta POSTs when a person leaves: `{user_id, issued_at, algorithm, secret}`,
  each with a default; returned, or sent to `{url}`: the status and the body of the response. A `callback` of
  `deauthorize` ends the person's tokens first, as Meta does |
| `POST webhooks` | `{changes, …}` queues webhooks and sends those due; `{switch: {object, active}}`; see
  `webhooks.control.Webhooks` |
| `POST publishing` | the options of `publishing.rules.PublishingOptions`; returned with the numbers of objects |
| `POST shares` | `{node, answer, tasks}` acts as the admin of the partner that owns a node: `accept`, `refuse`, `tasks`
  or `take_back`; with `partner`, our own admin gives a node to it (`accept`) or takes it back; `{allow_listed}`:
  whether the app may share through the API, `{needs_approval}`: our admin has to approve it; `GET`: every share |
| `POST owners` | `{node, business: {id, name}}`: who owns a node from now on; null: no portfolio does |
| `POST identities` | `{node, instagram_accounts}`: the Instagram accounts that ads of an ad account may appear as |
| `POST withheld` | `{page_id, scopes}`: the scopes that tokens of this Page lack from now on, none for an empty list |

A scenario file is a list of `{"world": …}`, `{"limits": …}`, `{"entities": …}` and faults, applied in order.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from meta_pipeline.sandbox.ads.entity_nodes import entity_node
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.ads.insights.breakdowns import COMBINATIONS
from meta_pipeline.sandbox.ads.insights.query import LEVELS
from meta_pipeline.sandbox.identity import callbacks
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.instagram.truth import instagram_truth
from meta_pipeline.sandbox.metrics.truth_query import TruthQuery
from meta_pipeline.sandbox.pages.truth import pages_truth
from meta_pipeline.sandbox.state import SandboxState
from meta_pipeline.sandbox.world.cast import APP_ID, BUSINESSES, OWN_BUSINESS, SYSTEM_USER_ID, USER_ID
from meta_pipeline.sandbox.world.entities import Account, Business

FIRST_ADDED_ACCOUNT = 1_000_000_901


def apply_scenario(state: SandboxState, scenario: list[dict[str, Any]]) -> None:
    """Apply a scenario file before the first request: limits, a world, changes of entities, faults."""
    for item in scenario:
        if name := next((name for name in ("limits", "world", "entities") if name in item), None):
            control(state, name, item[name], {})
        else:
            state.faults.plan([item])


def control(state: SandboxState, name: str, body: Any, query: Mapping[str, str]) -> Any:
    """Return the response of a control call; raise KeyError, TypeError or ValueError for an invalid one."""
    state.changes.apply_due(state.now())
    if name in _TOTALS:
        return _TOTALS[name](state, query)
    if name in _CALLS:
        return _CALLS[name](state, body)
    raise ValueError(f"no control call {name}")


def _app(state: SandboxState, _: Any) -> dict[str, str]:
    return {
        "app_id": APP_ID, "app_secret": state.identity.secret, "system_user_token": state.identity.system_user_token,
    }


def _secrets(state: SandboxState, _: Any) -> list[str]:
    """Return every token, code and secret, for tests that none of them leaks."""
    return [state.identity.secret, *state.identity.tokens, *state.identity.codes]


def _faults(state: SandboxState, body: Any) -> dict[str, int]:
    state.faults.plan(body if isinstance(body, list) else [body])
    return {"planned": len(state.faults.planned)}


def _clock(state: SandboxState, body: dict[str, Any]) -> dict[str, str]:
    if "now" in body:
        state.fixed_now = dt.datetime.fromisoformat(body["now"])
    return {"now": state.now().isoformat()}


def _tokens(state: SandboxState, body: dict[str, Any]) -> dict[str, str]:
    """Issue a token of a `kind` with `scopes`; `dead` is the subcode of one that is invalid from the start."""
    life = dt.timedelta(seconds=body["expires_in"]) if "expires_in" in body else None
    token = state.identity.mint(
        body.get("kind", "USER"), scopes=tuple(body.get("scopes", ALL_SCOPES)), now=state.now(), life=life,
        invalid_subcode=body.get("dead"),
        subject_id=SYSTEM_USER_ID if body.get("kind") == "SYSTEM_USER" else USER_ID,
    )
    return {"access_token": token.value}


def _invalidate(state: SandboxState, body: dict[str, Any]) -> dict[str, int]:
    """Invalidate tokens with a `subcode` of 190, all of them or those of a `kind`."""
    return {"killed": state.identity.invalidate(body["subcode"], body.get("kind"))}


def _tasks(state: SandboxState, body: dict[str, Any]) -> dict[str, list[str]]:
    """Set what people may do on a node from now on; an empty list means that it is no longer shared."""
    state.access.tasks[str(body["node"]).removeprefix("act_")] = list(body["tasks"])
    return state.access.tasks


def _signed_request(state: SandboxState, body: dict[str, Any]) -> dict[str, str]:
    return {"signed_request": callbacks.signed_request(body, secret=state.identity.secret, now=state.now())}


def _callback(state: SandboxState, body: dict[str, Any]) -> dict[str, Any]:
    """Send the callback that Meta sends when a person leaves."""
    if body.get("callback") == "deauthorize":
        state.identity.revoke_permissions(str(body.get("user_id", USER_ID)), None)
    return callbacks.send(str(body["url"]), _signed_request(state, body))


def _shares(state: SandboxState, body: dict[str, Any]) -> dict[str, Any]:
    """Act as the admin of a partner or as our own, set what the app may do, and return every share."""
    if "allow_listed" in body:
        state.shares.is_allow_listed = bool(body["allow_listed"])
    if "needs_approval" in body:
        state.shares.needs_approval = bool(body["needs_approval"])
    if "node" in body:
        node_id, answer = str(body["node"]).removeprefix("act_"), str(body["answer"])
        if "partner" in body:
            state.shares.answer_for(node_id, BUSINESSES[str(body["partner"])], answer, state.now())
        else:
            state.shares.answer(node_id, answer, body.get("tasks"), state.now())
    return {
        "allow_listed": state.shares.is_allow_listed, "shares": [share.to_json() for share in state.shares.shares],
    }


def _owners(state: SandboxState, body: dict[str, Any]) -> dict[str, Any]:
    """Set who owns a node from now on: any portfolio, or none."""
    business = body["business"]
    owner = None if business is None else Business(str(business["id"]), str(business["name"]))
    state.access.owners[str(body["node"]).removeprefix("act_")] = owner
    return {node_id: owner and owner.id for node_id, owner in state.access.owners.items()}


def _identities(state: SandboxState, body: dict[str, Any]) -> dict[str, list[str]]:
    """Assign Instagram accounts to an ad account in place of its own; return all assignments."""
    ids = [str(id) for id in body["instagram_accounts"]]
    state.access.identities[str(body["node"]).removeprefix("act_")] = ids
    return state.access.identities


def _withhold(state: SandboxState, body: dict[str, Any]) -> dict[str, list[str]]:
    """Set the scopes that the tokens of a Page lack, those that are issued later included; return all of them."""
    state.identity.withheld[str(body["page_id"])] = frozenset(str(scope) for scope in body["scopes"])
    return {page_id: sorted(scopes) for page_id, scopes in state.identity.withheld.items()}


def _entities(state: SandboxState, body: Any) -> Any:
    if isinstance(body, list):
        return [control(state, "entities", change, {}) for change in body]
    entity = state.changes.apply_or_plan(body, state.now())
    if entity is None:
        return {"planned": len(state.changes.planned)}
    return entity_node(entity, state.world, state.now())


def _world(state: SandboxState, body: dict[str, Any]) -> dict[str, Any]:
    """Change the world's options, add accounts in any currency, and return the options."""
    world, changes = state.world, dict(body)
    added = changes.pop("add_accounts", [])
    world.options.configure(changes)
    for account in added:
        number = FIRST_ADDED_ACCOUNT + sum(int(account_id) >= FIRST_ADDED_ACCOUNT for account_id in world.accounts)
        currency = str(account["currency"])
        world.add_account(Account(
            id=str(number), name=str(account.get("name", f"Northwind {currency}")),
            timezone=str(account.get("timezone", "Etc/UTC")), currency=currency, business=OWN_BUSINESS,
        ))
    if body:
        world.invalidate_caches()
    return {**world.options.to_json(), "accounts": [f"act_{account_id}" for account_id in world.accounts]}


_CALLS: dict[str, Callable[[SandboxState, Any], Any]] = {
    "app": _app,
    "secrets": _secrets,
    "calls": lambda state, _: state.calls,
    "world": _world,
    "entities": _entities,
    "creation": lambda state, body: state.creation.configure(body),
    "posts": lambda state, body: state.pages.posts.change(body, state.now()),
    "media": lambda state, body: state.instagram.library.change(body, state.now()),
    "leads": lambda state, body: state.leads.plant(body, state.now()),
    "conversations": lambda state, body: state.conversations.threads.plant(body, state.now()),
    "faults": _faults,
    "limits": lambda state, body: state.limits.configure(body),
    "clock": _clock,
    "tokens": _tokens,
    "dead": _invalidate,
    "tasks": _tasks,
    "shares": _shares,
    "owners": _owners,
    "identities": _identities,
    "withheld": _withhold,
    "signed_request": _signed_request,
    "callbacks": _callback,
    "publishing": lambda state, body: state.publishing.control(body),
    "webhooks": lambda state, body: state.webhooks.control(body, state.now()),
}


def _daily_totals(state: SandboxState, query: Mapping[str, str]) -> totals.TotalsByLevel:
    since, until = _range(query)
    return totals.daily_totals(state.world, since=since, until=until, at=_instant(state, query))


def _range_reach(state: SandboxState, query: Mapping[str, str]) -> totals.TotalsByLevel:
    since, until = _range(query)
    return totals.range_reach(state.world, since=since, until=until, at=_instant(state, query))


def _breakdown_totals(state: SandboxState, query: Mapping[str, str]) -> list[dict[str, Any]]:
    (since, until), at = _range(query), _instant(state, query)
    names, level = tuple(query["breakdowns"].split(",")), query.get("level", "ad")
    if frozenset(names) not in COMBINATIONS or level not in LEVELS:
        raise ValueError(f"no breakdown {','.join(names)} by {level}")
    return totals.breakdown_totals(
        state.insights.splitter, since=since, until=until, at=at, breakdowns=names, level=level
    )


def _pages_truth(state: SandboxState, query: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    return pages_truth(TruthQuery.of(query, at=_instant(state, query)), state.pages.days, state.pages.posts)


def _instagram_truth(state: SandboxState, query: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    return instagram_truth(TruthQuery.of(query, at=_instant(state, query)), state.instagram)


def _activities(state: SandboxState, query: Mapping[str, str]) -> list[dict[str, Any]]:
    (since, until), at = _range(query), _instant(state, query)
    return state.ads.activities.truth(since=since, until=until, at=at)


_TOTALS: dict[str, Callable[[SandboxState, Mapping[str, str]], Any]] = {
    "truth": _daily_totals, "reach": _range_reach, "breakdown": _breakdown_totals,
    "activities": _activities,
    "truth/pages": _pages_truth,
    "truth/instagram": _instagram_truth,
}


def _range(query: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    return dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"])


def _instant(state: SandboxState, query: Mapping[str, str]) -> dt.datetime:
    """Return the query's `at`, in which an unescaped `+` has become a space; without it the sandbox's time."""
    if "at" not in query:
        return state.now()
    at = dt.datetime.fromisoformat(re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", query["at"]))
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
