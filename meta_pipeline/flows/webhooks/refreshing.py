"""The smallest reads that the changes in the inbox call for. Changes that call for the same read share it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.flows.connections.tokens import check_token
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.landed import snapshot_objects
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.vault.vault import Vault
from meta_pipeline.webhooks.refreshes import Refresh, by_refresh, refresh_of

PEOPLE = ("user", "system_user")
MOST_ATTEMPTS = 3
MOST_LEADS = 500  # in one run
RETRY_AFTER = dt.timedelta(minutes=10)
# The report that shows what a change is about.
REPORT_OF = {"post": "page_posts", "story": "instagram_stories", "media": "instagram_media"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A read, and the rows of the inbox that call for it. `lead_ids`: the leads of a Page that are read together."""

    refresh: Refresh
    ids: tuple[int, ...]
    lead_ids: tuple[str, ...] = ()

    def run_key(self, now: dt.datetime) -> str:
        """Return a run key that no earlier run had, so that replayed changes are read again."""
        return f"webhook:{self.refresh.key}:{max(self.ids)}:{now.timestamp():.0f}"


def due_work(engine: sa.Engine, *, features: Collection[str], now: dt.datetime) -> list[Work]:
    """Return the reads that waiting changes call for. Changes that call for none are settled."""
    inbox = Inbox(engine)
    entries = inbox.due(now=now)
    unused = [entry.id for entry in entries if refresh_of(entry.change) is None]
    inbox.settle(unused, status="ignored", outcome="nothing is read because of this field", now=now)
    grouped = by_refresh((entry.id, entry.change) for entry in entries)
    work = [Work(refresh=refresh, ids=tuple(ids)) for refresh, ids in grouped.items()]
    of_leads = [each for each in work if each.refresh.kind == "lead"]
    others = [each for each in work if each.refresh.kind != "lead"]
    if "leads" not in features:
        ids = [id for each in of_leads for id in each.ids]
        inbox.settle(ids, status="ignored", outcome="leads is not in META_PIPELINE_FEATURES", now=now)
        return others
    return [*others, *_by_page(of_leads)]


def _by_page(of_leads: Sequence[Work]) -> Iterator[Work]:
    """Yield one read for the leads of a Page, in portions: a campaign may bring hundreds within a minute."""
    for page_id in dict.fromkeys(each.refresh.node_id for each in of_leads):
        theirs = [each for each in of_leads if each.refresh.node_id == page_id]
        for start in range(0, len(theirs), MOST_LEADS):
            portion = theirs[start : start + MOST_LEADS]
            yield Work(
                refresh=Refresh(kind="lead", node_id=page_id), ids=tuple(id for each in portion for id in each.ids),
                lead_ids=tuple(each.refresh.object_id for each in portion if each.refresh.object_id),
            )


def check_person(
    work: Work, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> str:
    """Inspect the tokens of a person whose permissions changed, and those of Pages through them; return a sentence, and
    settle the changes."""
    inbox, refs = Inbox(engine), tokens.refs()
    people = {ref.id for ref in refs if ref.subject_id == work.refresh.node_id and ref.kind in PEOPLE}
    theirs = sorted(
        (ref for ref in refs if {ref.id, ref.parent_ref} & people), key=lambda ref: ref.parent_ref is not None
    )
    retired, problems = set[str](), []
    for ref in theirs:
        if ref.id in retired:
            continue
        try:
            retired |= check_token(ref, graph=graph, tokens=tokens, now=now)
        except MetaPipelineError as error:
            problems.append(str(error))
    if problems:
        give_up_or_defer(inbox, work.ids, problems[0], now=now)
        return f"the tokens of a person could not be checked: {problems[0]}"
    outcome = f"{len(theirs)} tokens checked, {len(retired)} of them retired"
    inbox.settle(work.ids, status="done", outcome=outcome, now=now)
    return outcome


def prepare(work: Work, *, engine: sa.Engine) -> None:
    """Let the next read of a node's posts include the metrics of this post, even if they were read recently."""
    if work.refresh.kind in ("post", "media") and work.refresh.object_id is not None:
        snapshot_objects.mark_due(
            engine, node_id=work.refresh.node_id, report=REPORT_OF[work.refresh.kind], ids=[work.refresh.object_id]
        )


def account_of(refresh: Refresh, *, graph: GraphClient, tokens: Vault, nodes: Sequence[str]) -> str | None:
    """Return the ad account of a change that names only an ad object: read the object with a token of each account
    until one succeeds. Return None if none does."""
    if refresh.node_id:
        return refresh.node_id
    tried = set[str]()
    for node_id in nodes:
        try:
            token = tokens.reveal_for(node_id, flow="webhooks")
            if token.ref in tried:
                continue
            tried.add(token.ref or "")
            answer = graph.get(
                str(refresh.object_id), {"fields": ["account_id"]}, token=token, kind=CallKind.AD_OBJECTS
            ).object
        except MetaPipelineError:
            continue
        if account_id := answer.get("account_id"):
            return f"act_{str(account_id).removeprefix('act_')}"
    return None


def give_up_or_defer(inbox: Inbox, ids: Sequence[int], reason: str, *, now: dt.datetime) -> None:
    """Defer changes for another attempt, or settle them as failed after the last one."""
    again = [entry.id for entry in inbox.find(ids=ids) if entry.attempts + 1 < MOST_ATTEMPTS]
    inbox.defer(again, until=now + RETRY_AFTER, outcome=reason)
    inbox.settle(set(ids) - set(again), status="failed", outcome=reason, now=now)
