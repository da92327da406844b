"""`webhooks …`: subscribe, list, check and end subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.flows.webhooks.subscribing import Subscriber, subscriber_of
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.store.webhooks import subscriptions
from meta_pipeline.store.webhooks.subscriptions import Subscription

COLUMNS = ["kind", "id", "status", "fields", "reason", "ordered_at", "checked_at"]


def subscriber(runtime: Runtime) -> Subscriber:
    """Return the object that makes and checks the subscriptions of this home."""
    return subscriber_of(
        runtime.settings, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, features=runtime.features,
        now=runtime.now(),
    )


def subscribe(runtime: Runtime, node_ids: Sequence[str]) -> list[str]:
    """Subscribe to webhooks of the app and of the nodes that are read, or of the named ones; return sentences. Raise
    RefusedError if Meta refused some of them."""
    runtime.graph.require(WriteKind.APP_SUBSCRIPTION)
    links = runtime.links_to_read()
    if unknown := set(node_ids) - {link.id for link in links}:
        raise ConfigError(f"{', '.join(sorted(unknown))} is not read: `meta-pipeline nodes list`")
    made, problems = subscriber(runtime).subscribe(
        link for link in links if not node_ids or link.id in node_ids
    )
    return sentences([f"subscribed to {each.name}: {', '.join(each.fields)}" for each in made], problems)


def unsubscribe(runtime: Runtime) -> list[str]:
    """End every subscription; return sentences."""
    runtime.graph.require(WriteKind.APP_UNSUBSCRIPTION)
    ended, problems = subscriber(runtime).unsubscribe()
    return sentences([f"ended: {each.name}" for each in ended] or ["nothing was subscribed"], problems)


def listed(runtime: Runtime, *, is_checked: bool) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every subscription. `is_checked`: compare them with what Meta lists now."""
    rows = subscriber(runtime).check() if is_checked else subscriptions.find_all(runtime.engine)
    return COLUMNS, [
        (each.kind, each.subject_id, each.status, ", ".join(each.fields), each.reason, each.ordered_at,
         each.checked_at)
        for each in rows
    ]


def off(runtime: Runtime) -> list[Subscription]:
    """Return the subscriptions that were not active when they were last checked."""
    return [each for each in subscriptions.find_all(runtime.engine) if each.status != "active"]


def sentences(done: list[str], problems: list[str]) -> list[str]:
    """Return the sentences about what was done. Raise RefusedError, which counts them, if there are problems."""
    if problems:
        raise RefusedError(
            f"{counted(len(problems), 'subscription')} failed: {'; '.join(_by_reason(problems))}"
            + (f" ({counted(len(done), 'other')} done)" if done else "")
        )
    return done


def _by_reason(problems: Sequence[str]) -> list[str]:
    """Return each reason once, after the names of all subscriptions that failed for it."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        name, _, reason = problem.partition(": ")
        names.setdefault(reason, []).append(name)
    return [f"{', '.join(each)}: {reason}" for reason, each in names.items()]


class RefusedError(MetaPipelineError):
    """Meta refused some of the subscriptions."""
