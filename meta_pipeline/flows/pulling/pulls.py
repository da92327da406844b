"""Land a node's days: try its tokens in turn, and report why days failed that no token could read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.connections.tokens import retire_if_invalid
from meta_pipeline.flows.pulling.ads.attempt import Attempt
from meta_pipeline.flows.pulling.node_attempt import NodeAttempt
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.flows.pulling.remaining_days import days_by_report
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import AccessToken, FailedDay, LandedFile, MetaPipelineError, VaultError
from meta_pipeline.store.connections import access
from meta_pipeline.store.pulls import deferrals
from meta_pipeline.vault.vault import Vault


def land(
    node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, context: PullContext
) -> Iterator[LandedFile | FailedDay]:
    """Fetch one node's days in as few report runs as Meta allows and write every day exactly as Graph returned it.

    Days that this backfill has landed before are yielded without a call. A failed day is yielded and does not stop
    the others. A dead token is retired at once, a token that may not read the node is skipped, and the next token with
    access is tried."""
    wanted = days_by_report(node_id, days, reports, context=context)
    left = {
        (report, day): FailedDay(report=report, node_id=node_id, day=day, reason="")
        for report, report_days in wanted.items() for day in report_days
    }
    tried: set[str] = set()
    while left:
        try:
            token = context.tokens.reveal_for(node_id, flow="land", without=tried)
        except MetaPipelineError as error:
            for report in reports:  # days that waited for a limit now wait for a new token
                deferrals.remove(context.engine, backfill_id=context.backfill_id, node_id=node_id, report=report)
            for failed in left.values():  # with the last refusal, if Meta refused a token
                yield failed if failed.reason else dataclasses.replace(failed, reason=str(error))
            return
        tried |= {token.ref} if token.ref else set()
        try:
            for result in _attempt(node_id, left, token=token, context=context):
                key = (result.report, result.day)
                if key in left and isinstance(result, FailedDay) and result.is_refused and token.ref:
                    left[key] = result
                elif left.pop(key, None) is not None:
                    yield result
        except TokenError as error:
            if not retire_if_invalid(token, error, graph=context.graph, tokens=context.tokens, now=context.now()):
                for report, day in left:
                    yield FailedDay(report=report, node_id=node_id, day=day, reason=str(error))
                return


def _attempt(
    node_id: str, left: Iterable[tuple[str, dt.date]], *, token: AccessToken, context: PullContext
) -> Iterator[LandedFile | FailedDay]:
    """Try these days of these reports with one token: those of Ads Insights first, then the others, unless a limit of
    Meta was reached."""
    days: dict[str, list[dt.date]] = {}
    for report, day in sorted(left):
        days.setdefault(report, []).append(day)
    throttled = None
    if insights := {name: report_days for name, report_days in days.items() if name in context.catalogue}:
        every_day = sorted({day for report_days in insights.values() for day in report_days})
        attempt = Attempt(node_id=node_id, days=every_day, reports=list(insights), token=token, context=context)
        yield from attempt.land()
        throttled = attempt.throttled
    if others := {name: report_days for name, report_days in days.items() if name not in insights}:
        yield from NodeAttempt(
            node_id=node_id, days=others, token=token, context=context, throttled=throttled
        ).land()


def unreadable_nodes(node_ids: Iterable[str], *, tokens: Vault, engine: sa.Engine) -> dict[str, str]:
    """Return the nodes that no token reads, with the reason, from the vault and without a call."""
    reasons = {}
    for node_id in node_ids:
        if access.readers(engine, node_id):
            continue
        try:
            tokens.reveal_for(node_id, flow="land")
        except VaultError as error:
            reasons[node_id] = str(error)
    return reasons


def prefetch_runs(node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, context: PullContext) -> None:
    """Submit the report runs that `land` will need and wait for their end, so that their results are ready then: Meta
    works on them while other accounts land. A dead token is retired, so that no other account tries it. Other failures
    are left for `land` to report. Only Ads Insights has report runs."""
    reports = [name for name in reports if name in context.catalogue]
    if not reports:
        return
    try:
        token = context.tokens.reveal_for(node_id, flow="ask_ahead")
        try:
            Attempt(node_id=node_id, days=days, reports=reports, token=token, context=context).submit_runs()
        except TokenError as error:
            retire_if_invalid(token, error, graph=context.graph, tokens=context.tokens, now=context.now())
    except MetaPipelineError:
        return
