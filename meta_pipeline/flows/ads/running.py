"""Apply, activate and roll back a plan of ads."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from meta_pipeline.ads.building import KIND, UPLOAD
from meta_pipeline.ads.checks import minor_units
from meta_pipeline.ads.uploading import upload
from meta_pipeline.flows.connections.tokens import retire_if_invalid
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError, TransientError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.money import decimals_of
from meta_pipeline.plans import applying, rollback, stored
from meta_pipeline.plans.applying import Run
from meta_pipeline.plans.plan import Plan, PlanFailedError
from meta_pipeline.records import AccessToken, ConfigError, VaultError
from meta_pipeline.vault.vault import Vault

COMMAND = "ads"
PAUSES_S = (0.0, 2.0, 5.0)  # before each attempt to set a value


@dataclass(frozen=True, kw_only=True)
class AdsContext:
    """The dependencies of a change of ads. `progress` is called with a sentence for each step."""

    graph: GraphClient
    tokens: Vault
    engine: sa.Engine
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    progress: Callable[[str], None]

    def run_of(self, plan: Plan) -> Run:
        """Return the run that applies or rolls back a plan."""
        return Run(
            engine=self.engine, graph=self.graph, token=token_of(plan, self.tokens), now=self.now, sleep=self.sleep,
            command=COMMAND, performers={UPLOAD: upload}, progress=self.progress,
        )


def apply_ad(plan_id: str, *, context: AdsContext) -> Plan:
    """Create what a plan lists, all of it paused; return the plan. See `plans.applying.apply`."""
    context.graph.require(WriteKind.AD_CREATION)
    run = context.run_of(stored.load(context.engine, plan_id, kinds=(KIND,)))
    with _retiring(run, context.tokens):
        return applying.apply(plan_id, run=run)


def roll_back_ad(plan_id: str, *, context: AdsContext) -> Plan:
    """Remove what a plan created; return the plan. See `plans.rollback.roll_back`."""
    context.graph.require(WriteKind.AD_REMOVAL)
    run = context.run_of(stored.load(context.engine, plan_id, kinds=(KIND,)))
    with _retiring(run, context.tokens):
        return rollback.roll_back(plan_id, run=run)


def activate_ad(plan_id: str, *, spend_limit: Decimal, context: AdsContext) -> Plan:
    """Set the spend limit of a plan's campaign (in the account's currency), then activate what the plan created.

    The campaign is activated last: if a call fails before that, no ad is delivered. Each call sets a value, so a second
    activation changes nothing."""
    plan = to_activate(plan_id, spend_limit=spend_limit, graph=context.graph, engine=context.engine)
    run = context.run_of(plan).on(plan)
    currency = str(plan.details["currency"])
    limit = str(minor_units(spend_limit, currency))
    _set(plan, "campaign", {"spend_cap": limit}, run=run)
    for name in ("ad", "ad_set", "campaign"):
        _set(plan, name, {"status": "ACTIVE"}, run=run)
    details = {**plan.details, "activated_at": run.now().isoformat(), "spend_limit": str(spend_limit)}
    stored.mark(context.engine, plan, now=run.now(), details=details)
    return stored.load(context.engine, plan_id)


def to_activate(plan_id: str, *, spend_limit: Decimal, graph: GraphClient, engine: sa.Engine) -> Plan:
    """Return the plan to activate. Raise ConfigError for a plan that can't be activated, and for an invalid limit."""
    graph.require(WriteKind.AD_CHANGE)
    plan = stored.load(engine, plan_id, kinds=(KIND,))
    if plan.status != "applied":
        raise ConfigError(f"plan {plan_id} is {plan.status.replace('_', ' ')}: only an applied plan can be activated")
    currency, daily = str(plan.details["currency"]), Decimal(str(plan.details["daily_budget"]))
    if not spend_limit.is_finite() or spend_limit < daily or spend_limit >= 10**9:
        raise ConfigError(f"--spend-limit must be at least one day's budget, {daily} {currency}")
    if spend_limit.scaleb(decimals_of(currency)) != minor_units(spend_limit, currency):
        raise ConfigError(f"--spend-limit has more decimals than {currency} has")
    return plan


def previews_of(
    plan: Plan, formats: tuple[str, ...], *, graph: GraphClient, tokens: Vault
) -> list[tuple[str, str]]:
    """Return Meta's HTML for the previews of a plan's creative, each with its format; [] before the creative exists."""
    creative = plan.step("creative")
    if not creative.exists:
        return []
    token = token_of(plan, tokens)
    bodies = []
    for ad_format in formats:
        answer = graph.get(
            f"{creative.object_id}/previews", {"ad_format": ad_format}, token=token, kind=CallKind.AD_OBJECTS
        )
        bodies += [(ad_format, str(row.get("body", ""))) for row in answer.rows[:1]]
    return bodies


def token_of(plan: Plan, tokens: Vault) -> AccessToken:
    """Return the token that a plan was made with; another token of the account when that one can't be used."""
    try:
        return tokens.reveal(plan.token_ref, flow="ads", node_id=plan.node_id)
    except VaultError:
        return tokens.reveal_for(plan.node_id, flow="ads")


@contextlib.contextmanager
def _retiring(run: Run, tokens: Vault) -> Iterator[None]:
    """Retire the token when Meta calls it invalid, so that the next attempt uses another token of the account."""
    try:
        yield
    except PlanFailedError as failed:
        if isinstance(failed.cause, TokenError):
            retire_if_invalid(run.token, failed.cause, graph=run.graph, tokens=tokens, now=run.now())
        raise


def _set(plan: Plan, name: str, values: dict[str, Any], *, run: Run) -> None:
    """Set fields of one object, and read back that they are set. It is safe to set a value twice."""
    record = plan.step(name)
    path = str(record.object_id)
    for pause_s in PAUSES_S:
        run.sleep(pause_s)
        with contextlib.suppress(TransientError):
            run.graph.write(WriteKind.AD_CHANGE, path, values, token=run.token, plan_id=plan.id)
        node = run.reader.node(record, path, tuple(values))
        wrong = [field for field, value in values.items() if str(node.get(field)) != value]
        if not wrong:
            break
    else:
        raise PlanFailedError(
            f"{record.step.creates} {path} still does not have {wrong[0]} {values[wrong[0]]}: nothing else was "
            f"activated; `meta-pipeline ads activate {plan.id}` tries again",
            plan_id=plan.id,
        )
    run.progress(f"{record.step.creates}: {', '.join(f'{field} {value}' for field, value in values.items())}")
