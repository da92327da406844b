"""Plan a Reels ad: read the account from Meta, check the spec, and store the calls that the plan will send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import orjson
import sqlalchemy as sa

from meta_pipeline.ads.building import KIND, steps_of
from meta_pipeline.ads.checks import AccountState, problems_of
from meta_pipeline.ads.facts import AdsFacts
from meta_pipeline.ads.spec import Spec, read_spec
from meta_pipeline.files.video import VideoError, read_video
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ThrottledError, TransientError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan, new_plan, plan_id_of
from meta_pipeline.plans.step import Step
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.vault.vault import Vault

_ACCOUNT_FIELDS = ("id", "currency", "account_status", "min_daily_budget")


class UnplannableError(ConfigError):
    """A spec that Meta would reject; the message has every reason."""


def plan_ad(
    path: Path, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, facts: AdsFacts, now: dt.datetime
) -> Plan:
    """Check a spec file, then store and return its plan. Raise ConfigError, and store nothing, when a check
    fails."""
    graph.require(WriteKind.AD_CREATION)
    spec = read_spec(path)
    problems = problems_of(spec, facts=facts, account=None, video=None)
    video = None
    if spec.video is not None:
        try:
            video = read_video(spec.video)
            problems += problems_of(spec, facts=facts, account=None, video=video)
        except VideoError as error:
            problems.append(str(error))
    _refuse(problems)
    token = tokens.reveal_for(spec.account, flow="ads")
    _refuse(_missing(token))
    graph = graph.on(CallContext(node_id=spec.account))
    account = read_account(spec, graph=graph, token=token, engine=engine)
    _refuse(problems_of(spec, facts=facts, account=account, video=video))
    plan_id = plan_id_of(spec.text, salt=now.isoformat())
    steps = steps_of(
        spec, plan_id=plan_id, currency=account.currency, facts=facts, video=video,
        marketing_version=graph.marketing_version,
    )
    _validate(steps, plan_id, graph=graph, token=token)
    plan = new_plan(
        id=plan_id, kind=KIND, title=spec.name, node_id=spec.account, token_ref=token.ref or "", spec=spec.text,
        steps=steps, now=now, details={"currency": account.currency, "daily_budget": str(spec.daily_budget)},
    )
    stored.keep(engine, plan)
    return plan


def read_account(spec: Spec, *, graph: GraphClient, token: AccessToken, engine: sa.Engine) -> AccountState:
    """Return the state of the spec's ad account at Meta, with the stored tasks on the account and on the Page."""
    node = graph.get(spec.account, {"fields": list(_ACCOUNT_FIELDS)}, token=token, kind=CallKind.AD_OBJECTS).object
    link, page = find_link(engine, spec.account), find_link(engine, spec.page)
    if page is None:
        raise UnplannableError(f"the Page {spec.page} is not connected: see `meta-pipeline links`")
    currency = node.get("currency") or (link.currency if link else None)
    if not isinstance(currency, str):
        raise UnplannableError(f"the currency of {spec.account} is unknown: Meta did not return it")
    return AccountState(
        currency=currency, status=_whole(node.get("account_status")),
        minimum_budget=_whole(node.get("min_daily_budget")),
        identities=_identities(spec.account, graph=graph, token=token) if spec.instagram else None,
        tasks=frozenset(link.tasks if link else ()), page_tasks=frozenset(page.tasks),
    )


def _identities(account: str, *, graph: GraphClient, token: AccessToken) -> frozenset[str]:
    """Return the Instagram accounts that ads of an account may appear as (docs/graph-api.md §10)."""
    batches = graph.batches(
        f"{account}/connected_instagram_accounts", {"fields": ["id"], "limit": 100}, token=token,
        kind=CallKind.AD_OBJECTS,
    )
    rows = (orjson.loads(bytes(record)) for batch in batches for record in batch.records)
    return frozenset(str(row["id"]) for row in rows if isinstance(row, dict) and row.get("id"))


def _validate(steps: Sequence[Step], plan_id: str, *, graph: GraphClient, token: AccessToken) -> None:
    """Let Meta validate the calls that don't refer to earlier steps. Raise UnplannableError if it refuses one."""
    for step in steps:
        if step.dry_run is None or step.refers():
            continue
        try:
            graph.write(step.write, step.path, {**step.body, **step.dry_run}, token=token, plan_id=plan_id)
        except (TransientError, ThrottledError):
            raise
        except GraphError as error:
            raise UnplannableError(f"Meta would not create {step.creates}: {error}") from None


def _missing(token: AccessToken) -> list[str]:
    if token.scopes is None:
        return []
    need = WriteKind.AD_CREATION.value
    return [
        f"the token lacks the permission {scope}: connect again with `meta-pipeline connect --phase 3`"
        for scope in need.scopes if scope not in token.scopes
    ]


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise UnplannableError(f"this can't be planned: {'; '.join(dict.fromkeys(problems))}")


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
