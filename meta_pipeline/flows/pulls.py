"""From a node's days to landed files: which tokens are tried, and what is said of the days that none of them read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.attempt import Attempt
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.flows.tokens import retire_if_invalid
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import FailedDay, LandedFile, MetaPipelineError, VaultError
from meta_pipeline.store import access, deferrals
from meta_pipeline.vault.vault import Vault


def land(
    node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, by: PullContext
) -> Iterator[LandedFile | FailedDay]:
    """Fetch one node's days in as few report runs as Meta allows and put every day down exactly as Graph gave it.

    Days that this backfill has landed before are yielded without a call. What fails is named, day by day, and stops
    nothing else. A token that turns out dead is retired at once, one that may not read the node is left aside, and the
    next one that has the access takes over."""
    left = {
        (report, day): FailedDay(report=report, node_id=node_id, day=day, reason="")
        for report in reports for day in days
    }
    tried: set[str] = set()
    while left:
        try:
            token = by.tokens.reveal_for(node_id, flow="land", without=tried)
        except MetaPipelineError as error:
            for report in reports:  # what waited for a limit waits for a person now
                deferrals.remove(by.engine, backfill_id=by.backfill_id, node_id=node_id, report=report)
            for failed in left.values():  # in the words of the token that refused last, if it was not for being dead
                yield failed if failed.reason else dataclasses.replace(failed, reason=str(error))
            return
        tried |= {token.ref} if token.ref else set()
        try:
            wanted_days, wanted = sorted({day for _, day in left}), sorted({report for report, _ in left})
            for done in Attempt(node_id, wanted_days, wanted, token, by).land():
                key = (done.report, done.day)
                if key in left and isinstance(done, FailedDay) and done.is_refused and token.ref:
                    left[key] = done
                elif left.pop(key, None) is not None:
                    yield done
        except TokenError as error:
            if not retire_if_invalid(token, error, graph=by.graph, tokens=by.tokens, now=by.now()):
                for report, day in left:
                    yield FailedDay(report=report, node_id=node_id, day=day, reason=str(error))
                return


def unreadable(node_ids: Iterable[str], *, tokens: Vault, engine: sa.Engine) -> dict[str, str]:
    """Return the nodes that no token reads, with the reason: known from the vault, without a call."""
    found = {}
    for node_id in node_ids:
        if access.readers(engine, node_id):
            continue
        try:
            tokens.reveal_for(node_id, flow="land")
        except VaultError as error:
            found[node_id] = str(error)
    return found


def ask_ahead(node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, by: PullContext) -> None:
    """Ask for the report runs that `land` will need and see them through, so that it finds them done: Meta works on
    them while other accounts land. A dead token is retired, so that no other account tries it. Whatever else fails is
    left for `land` to report."""
    try:
        token = by.tokens.reveal_for(node_id, flow="ask_ahead")
        try:
            Attempt(node_id, days, reports, token, by).ask()
        except TokenError as error:
            retire_if_invalid(token, error, graph=by.graph, tokens=by.tokens, now=by.now())
    except MetaPipelineError:
        return
