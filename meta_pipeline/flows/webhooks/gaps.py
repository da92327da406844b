"""Recover after the receiver was down: read nodes again, because Meta repeats missed reports only for a limited time
(docs/graph-api.md §11), and check the tokens."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.flows.connections.tokens import check_tokens
from meta_pipeline.flows.webhooks.refreshing import REPORT_OF
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.records import NodeLink
from meta_pipeline.store.landed import snapshot_objects
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.receivers import Gap
from meta_pipeline.vault.vault import Vault

# Posts and media up to this age are read again: an edit of an older one is seen by its next regular read.
READ_AGAIN = dt.timedelta(days=90)


def prepare(links: Sequence[NodeLink], *, engine: sa.Engine, now: dt.datetime) -> None:
    """Let the next read of every Page and Instagram account read all of its recent posts and media."""
    since = (now - READ_AGAIN).date()
    for link in links:
        for kind, report in ((PAGE, REPORT_OF["post"]), (INSTAGRAM_ACCOUNT, "instagram_media")):
            if link.kind == kind.name:
                snapshot_objects.mark_due(engine, node_id=link.id, report=report, since=since)


def close(
    gap: Gap, links: Sequence[NodeLink], *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> str:
    """Check every token, and record that the nodes are being read again; return a sentence."""
    problems = check_tokens(graph=graph, tokens=tokens, now=now)
    lost = (
        f"; what only a webhook reported before {gap.lost_until:%Y-%m-%d %H:%M} UTC is lost" if gap.loses else ""
    )
    troubles = f"; {len(problems)} tokens could not be checked" if problems else ""
    outcome = f"{len(links)} nodes are read again{lost}{troubles}"
    receivers.save_gap(engine, dataclasses.replace(gap, read_again_at=now, outcome=outcome))
    return outcome
