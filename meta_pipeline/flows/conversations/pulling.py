"""Read the conversations of Pages that changed, and store their messages sealed. A platform or conversation that Meta
refuses does not stop the others."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from meta_pipeline.extract.conversations.conversation import Message
from meta_pipeline.extract.conversations.reader import PLATFORMS, ConversationRead, ConversationReader, ReadBefore
from meta_pipeline.flows.page_readers import named_page, use_page_token
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ScopeError, TokenError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT
from meta_pipeline.records import AccessToken, MetaPipelineError, NodeLink
from meta_pipeline.sealed.people import identifiers_in, page_scoped_user, username
from meta_pipeline.sealed.record import PersonalRecord
from meta_pipeline.sealed.store import SealedStore
from meta_pipeline.store.pulls import conversations
from meta_pipeline.store.pulls.conversations import Conversation
from meta_pipeline.vault.vault import Vault

FLOW = "conversations"
# Conversations whose messages are stored together: each upsert rewrites whole files.
_CHUNK = 500


@dataclass(kw_only=True)
class ConversationPull:
    """The result for one Page. `messages`: how many are new; `unreadable`: how many messages of the changed
    conversations Meta lets no app read; `refused`: sentences about platforms and conversations that Meta refuses;
    `problems`: sentences about other errors, which the next pull retries."""

    page_id: str
    name: str
    conversations: int = 0
    messages: int = 0
    unreadable: int = 0
    refused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ConversationPuller:
    """A reader of conversations that stores them. `kept_days`: how many days messages are kept."""

    graph: GraphClient
    tokens: Vault
    engine: sa.Engine
    store: SealedStore
    kept_days: int
    now: Callable[[], dt.datetime]
    run_id: str | None = None

    def pull(self, links: Sequence[NodeLink], first_days: Mapping[str, dt.date]) -> Iterator[ConversationPull]:
        """Yield the result for each Page. `first_days`: the first day to keep, by id, of Pages whose tenants have
        agreed on a ceiling."""
        for link in links:
            yield self._pull(link, first_days.get(link.id))

    def _pull(self, link: NodeLink, first_day: dt.date | None) -> ConversationPull:
        result = ConversationPull(page_id=link.id, name=link.name)
        instagram_ids = [each["id"] for each in link.related if each.get("kind") == INSTAGRAM_ACCOUNT.name]
        since = self.now() - dt.timedelta(days=self.kept_days)
        if first_day is not None:
            since = max(since, dt.datetime.combine(first_day, dt.time(), tzinfo=link.zone))
        for platform in PLATFORMS:
            if platform == "instagram" and not instagram_ids:
                continue
            subject = f"the conversations of the Page {named_page(link)} on {platform.title()}"
            read = functools.partial(self._pull_platform, link, platform, {link.id, *instagram_ids}, result, since)
            try:
                use_page_token(link, read, flow=FLOW, graph=self.graph, tokens=self.tokens, now=self.now)
            except ScopeError as error:
                result.refused.append(f"{subject} can't be read: {error}")
            except MetaPipelineError as error:
                result.problems.append(f"{subject} were not read: {error}")
                if isinstance(error, TokenError):
                    return result
        return result

    def _pull_platform(
        self, link: NodeLink, platform: str, own_ids: set[str], result: ConversationPull, since: dt.datetime,
        token: AccessToken,
    ) -> None:
        reader = ConversationReader(
            page_id=link.id, platform=platform, own_ids=frozenset(own_ids), token=token,
            graph=self.graph.on(CallContext(node_id=link.id, report=FLOW, run_id=self.run_id)),
        )
        read_before = {
            each.id: ReadBefore(
                updated_at=each.updated_at, message_count=each.message_count, read_at=each.read_at
            )
            for each in conversations.find(self.engine, page_id=link.id)
        }
        chunk: list[ConversationRead] = []
        for read in reader.read(read_before=read_before, since=since):
            if read.error is not None:
                result.refused.append(
                    f"a conversation of the Page {named_page(link)} ({read.summary.id[:80]}) can't be read: "
                    f"{read.error}"
                )
                continue
            chunk.append(read)
            if len(chunk) >= _CHUNK:
                self._store(link, platform, chunk, result)
                chunk = []
        if chunk:
            self._store(link, platform, chunk, result)

    def _store(
        self, link: NodeLink, platform: str, reads: Sequence[ConversationRead], result: ConversationPull
    ) -> None:
        """Store the messages, then record that their conversations were read."""
        records = []
        for read in reads:
            try:
                records += [_record(link.id, platform, read, message) for message in read.messages]
            except MetaPipelineError as error:  # an id that Meta never sends
                result.problems.append(f"a conversation of the Page {named_page(link)} was not stored: {error}")
        stored = self.store.upsert(records)
        counts = Counter(entry.group for entry in self.store.entries(link.id))
        unreadable = {read.summary.id: _unreadable(read, counts[read.summary.id]) for read in reads}
        conversations.save(
            self.engine,
            [
                Conversation(
                    page_id=link.id, id=read.summary.id, platform=platform, updated_at=read.summary.updated_at,
                    message_count=read.summary.message_count, unreadable=unreadable[read.summary.id],
                    read_at=self.now(), changed_at=self.now(),
                )
                for read in reads
            ],
        )
        result.conversations += len(reads)
        result.messages += stored.added
        result.unreadable += sum(each or 0 for each in unreadable.values())


def _unreadable(read: ConversationRead, stored: int) -> int | None:
    """Return how many messages of a conversation are missing: some that can't be read now were stored before."""
    if read.unreadable is None or read.summary.message_count is None:
        return read.unreadable
    return min(read.unreadable, max(0, read.summary.message_count - stored))


def _record(page_id: str, platform: str, read: ConversationRead, message: Message) -> PersonalRecord:
    people = [dict(person) for person in (message.people or read.summary.participants)]
    ids = frozenset(page_scoped_user(person["id"]) for person in people if person.get("id"))
    ids |= frozenset(username(person["username"]) for person in people if person.get("username"))
    texts = [message.text, *(text for person in people for name, text in person.items() if name != "id")]
    return PersonalRecord(
        owner=page_id, id=message.id, group=read.summary.id, at=message.at,
        attributes={"platform": platform, "is_from_page": message.is_from_page},
        content={"text": message.text, "people": people}, people=ids | identifiers_in(texts),
    )
