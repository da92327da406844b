"""Read the conversations of a Page that changed: Meta lets an app read the last 20 messages of each
(docs/graph-api.md §12)."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from meta_pipeline.extract.conversations.conversation import Message, Summary, parse_message, parse_summary
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError, UnreadableAnswerError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken

# By platform, the kind of call that reads its conversations; the value is that of the parameter `platform`.
PLATFORMS: Mapping[str, CallKind] = MappingProxyType({
    "messenger": CallKind.PAGE_CONVERSATIONS, "instagram": CallKind.INSTAGRAM_CONVERSATIONS,
})
# The last messages of a conversation that Meta lets an app read (docs/graph-api.md §12).
READABLE_MESSAGES = 20
# Conversations of one page of the listing, and of one read; the next read continues with the others.
LISTING_PAGE, MOST_CONVERSATIONS = 100, 5_000
_AT_ONCE = 50
_LISTED = ("id", "updated_time", "message_count", "participants")
_READ = ("id", "created_time", "from", "to", "message")


# Meta's times have whole seconds: a conversation that was read this soon after a change may have changed again with the
# same time.
_SETTLED_AFTER = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBefore:
    """The state of a conversation at an earlier read, and the time of that read."""

    updated_at: dt.datetime
    message_count: int | None
    read_at: dt.datetime

    def has_changed(self, summary: Summary) -> bool:
        """Return whether it may have new messages now."""
        return (
            summary.updated_at > self.updated_at or summary.message_count != self.message_count
            or self.read_at - self.updated_at < _SETTLED_AFTER
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRead:
    """The result for one conversation: the messages that could be read, newest first. `unreadable`: the number of
    messages that Meta does not return, None when it does not return a total; `error`: why no message was read."""

    summary: Summary
    messages: tuple[Message, ...] = ()
    unreadable: int | None = None
    error: GraphError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReader:
    """Reads the conversations of one Page on one platform, with the Page's own token. `own_ids`: of the Page and its
    Instagram account."""

    page_id: str
    platform: str
    own_ids: frozenset[str]
    graph: GraphClient
    token: AccessToken

    @property
    def _kind(self) -> CallKind:
        return PLATFORMS[self.platform]

    def read(self, *, read_before: Mapping[str, ReadBefore], since: dt.datetime) -> Iterator[ConversationRead]:
        """Yield every conversation that changed since it was read (`read_before`, by id), except those whose last
        change was before `since`. Raise GraphError when they can't be listed, or when messages can't be read for a
        reason that is not specific to one conversation."""
        changed = (
            each for each in self._list(since)
            if each.updated_at >= since and (each.id not in read_before or read_before[each.id].has_changed(each))
        )
        limited = itertools.islice(changed, MOST_CONVERSATIONS)
        while chunk := list(itertools.islice(limited, _AT_ONCE)):
            yield from self._read_messages(chunk)

    def _list(self, since: dt.datetime) -> Iterator[Summary]:
        """Yield the conversations, newest change first, until a whole page is older than `since`."""
        params = {"platform": self.platform, "fields": list(_LISTED), "limit": LISTING_PAGE}
        path = f"{self.page_id}/conversations"
        for page in self.graph.batches(path, params, token=self.token, kind=self._kind):
            summaries = [each for each in map(parse_summary, map(self._decode, page.records)) if each is not None]
            yield from summaries
            if summaries and all(each.updated_at < since for each in summaries):
                return

    def _read_messages(self, summaries: Sequence[Summary]) -> Iterator[ConversationRead]:
        fields = [f"messages.limit({READABLE_MESSAGES}){{{','.join(_READ)}}}"]
        operations = [Operation(each.id, {"fields": fields}, self._kind) for each in summaries]
        for summary, answer in zip(summaries, self.graph.batch(operations, token=self.token), strict=True):
            if isinstance(answer, GraphResponse):
                edge = answer.object.get("messages")
                records = edge.get("data") if isinstance(edge, Mapping) else None
                yield self._result(summary, records if isinstance(records, list) else ())
            elif isinstance(answer, RequestError | ScopeError):
                yield self._read_each(summary, answer)
            else:
                raise answer

    def _read_each(self, summary: Summary, refused: GraphError) -> ConversationRead:
        """Read the messages of a conversation one by one, because Meta refused to return them together."""
        params = {"fields": ["id", "created_time"], "limit": READABLE_MESSAGES}
        try:
            listed = self.graph.get(f"{summary.id}/messages", params, token=self.token, kind=self._kind).rows
        except (RequestError, ScopeError):
            return ConversationRead(summary=summary, error=refused)
        ids = [id for each in listed[:READABLE_MESSAGES] if isinstance(id := each.get("id"), str)]
        operations = [Operation(id, {"fields": list(_READ)}, self._kind) for id in ids]
        answers = self.graph.batch(operations, token=self.token) if operations else []
        for answer in answers:
            if isinstance(answer, GraphError) and not isinstance(answer, RequestError | ScopeError):
                raise answer
        return self._result(summary, [each.object for each in answers if isinstance(each, GraphResponse)], of=len(ids))

    def _result(self, summary: Summary, records: Collection[object], of: int = 0) -> ConversationRead:
        messages = [
            message for record in list(records)[:READABLE_MESSAGES]
            if (message := parse_message(record, self.own_ids)) is not None
        ]
        total = summary.message_count if summary.message_count is not None else (of or None)
        return ConversationRead(
            summary=summary, messages=tuple(messages),
            unreadable=None if total is None else max(0, total - len(messages)),
        )

    def _decode(self, body: bytes) -> object:
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UnreadableAnswerError(f"{self.graph.host} did not return a conversation as JSON") from None
