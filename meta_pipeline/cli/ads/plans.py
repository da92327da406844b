"""`ads …`: plan Reels ads, apply plans, activate and remove what they created."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from meta_pipeline.ads.building import KIND
from meta_pipeline.ads.facts import read_facts
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import echo
from meta_pipeline.flows.ads import planning, running
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan, existing_in_words
from meta_pipeline.records import ConfigError

COLUMNS = ["id", "title", "node", "status", "exists", "activated_at", "spend_limit", "created_at", "reason"]
STEP_COLUMNS = ["plan", "step", "status", "id", "call", "creates", "costs", "body"]


def plan(runtime: Runtime, spec: Path) -> Plan:
    """Store the plan of a spec file and return it; nothing is created."""
    runtime.graph.require(WriteKind.AD_CREATION)
    return planning.plan_ad(
        spec, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine,
        facts=read_facts(runtime.settings.ads_facts), now=runtime.now(),
    )


def next_steps(plan: Plan) -> list[str]:
    """Return sentences that say what to do with a new plan."""
    return [
        f"plan {plan.id} creates {len(plan.steps)} objects; nothing was created yet. Everything is created paused and "
        "costs nothing until it is activated",
        f"`meta-pipeline ads apply {plan.id}` creates it",
    ]


def apply(runtime: Runtime, plan_id: str) -> str:
    """Create what a plan lists; return a sentence."""
    applied = running.apply_ad(plan_id, context=_context(runtime))
    return (
        f"plan {plan_id} is applied, everything is paused: {existing_in_words(applied)}. Its previews are on "
        f"{runtime.settings.public_url.rstrip('/')}/ads/{plan_id} while `meta-pipeline serve` runs; "
        f"`meta-pipeline ads activate {plan_id} --spend-limit AMOUNT` switches it on"
    )


def question(runtime: Runtime, plan_id: str, spend_limit: str) -> str:
    """Return the question that a person confirms before ads are activated. Raise ConfigError if they can't be
    activated."""
    limit = _money(spend_limit)
    plan = running.to_activate(plan_id, spend_limit=limit, graph=runtime.graph, engine=runtime.engine)
    currency = plan.details["currency"]
    return (
        f"{plan.title}: switch it on? It spends up to {plan.details['daily_budget']} {currency} a day on average, and "
        f"{limit} {currency} in total"
    )


def activate(runtime: Runtime, plan_id: str, spend_limit: str) -> str:
    """Switch on what a plan created; return a sentence."""
    plan = running.activate_ad(plan_id, spend_limit=_money(spend_limit), context=_context(runtime))
    return (
        f"plan {plan_id} is active, with a spend limit of {plan.details['spend_limit']} {plan.details['currency']}: "
        "Meta reviews the ad before it shows it"
    )


def roll_back(runtime: Runtime, plan_id: str) -> str:
    """Remove what a plan created; return a sentence."""
    running.roll_back_ad(plan_id, context=_context(runtime))
    return f"plan {plan_id} is rolled back: nothing of it is left at Meta"


def listed(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every plan, newest first."""
    return COLUMNS, [
        (
            each.id, each.title, each.node_id, each.status, existing_in_words(each), each.details.get("activated_at"),
            each.details.get("spend_limit"), each.created_at, each.reason,
        )
        for each in stored.load_all(runtime.engine, kinds=(KIND,))
    ]


def shown(runtime: Runtime, plan_id: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every step of a plan, with its call and body."""
    return steps_of(stored.load(runtime.engine, plan_id, kinds=(KIND,)))


def steps_of(plan: Plan) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every step of a plan."""
    return STEP_COLUMNS, [
        (
            plan.id, record.step.name, record.status, record.object_id, f"POST {record.step.path}", record.step.creates,
            record.step.costs, json.dumps(record.step.body, ensure_ascii=False, sort_keys=True),
        )
        for record in plan.steps
    ]


def _context(runtime: Runtime) -> running.AdsContext:
    return running.AdsContext(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=runtime.now, sleep=runtime.sleep,
        progress=lambda sentence: echo(sentence, err=True),
    )


def _money(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"--spend-limit must be an amount such as 100.00, not {text[:50]!r}") from None
