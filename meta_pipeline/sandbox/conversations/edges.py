"""The edge `conversations` of a Page, conversations and their messages (docs/graph-api.md §12).

The last 20 messages of a conversation can be read; of older ones Graph lists the id and the time.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meta_pipeline.sandbox.conversations.threads import PLATFORMS, Conversation, Message, Threads
from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields, split_fields, top_level_names
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

READABLE_MESSAGES = 20
TASKS = ("MESSAGING", "MODERATE")
SCOPES = {
    "messenger": ("pages_messaging", "pages_manage_metadata", "pages_read_engagement"),
    "instagram": ("instagram_basic", "instagram_manage_messages", "pages_manage_metadata"),
}
_ALWAYS_SHOWN = {"id", "created_time"}


class ConversationEdges:
    """Answers the paths of conversations."""

    def __init__(self, *, world: World, access: NodeAccess) -> None:
        self.access, self.threads = access, Threads(world)

    def answer_page(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return a page of the conversations on a platform, the one that changed last first."""
        platform = call.request.params.get("platform", PLATFORMS[0]).lower()
        if platform not in PLATFORMS:
            raise GraphApiError("(#100) Param platform must be one of {INSTAGRAM, MESSENGER}", 100)
        self._check(call, page, platform)
        return paginate(
            call.request, self.threads.of_page(page, platform, call.now),
            lambda each: select_fields(self._node(call, each), call.fields, ("id", "updated_time")),
            key=lambda each: f"{each.updated_at.isoformat()} {each.id}",
        )

    def answer(self, call: NodeCall) -> dict[str, Any] | None:
        """Return a conversation, its messages or one message; None for an id that is neither."""
        if conversation := self.threads.find(call.node_id, call.now):
            self._check(call, conversation.page, conversation.platform)
            match call.edge:
                case "":
                    return select_fields(self._node(call, conversation), call.fields, ("id", "updated_time"))
                case "messages":
                    return self._list_messages(call, conversation, call.fields or "id,created_time")
            raise unknown_path(call.edge)
        if (pair := self.threads.find_message(call.node_id, call.now)) and call.edge == "":
            conversation, message = pair
            self._check(call, conversation.page, conversation.platform)
            return _message(conversation, message, call.fields or "id,created_time")
        return None

    def _check(self, call: NodeCall, page: Page, platform: str) -> None:
        if call.token.page_id != page.id:
            raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
        if missing := [scope for scope in SCOPES[platform] if scope not in call.token.scopes]:
            raise GraphApiError(f"(#200) Requires {missing[0]} permission to manage the object", 200, status=403)
        tasks = self.access.tasks_of(call.token.subject_id, page.id)
        if tasks is not None and not set(TASKS) & set(tasks):
            raise GraphApiError(
                "(#200) The user must have the MESSAGING or MODERATE task on this Page", 200, status=403
            )

    def _node(self, call: NodeCall, conversation: Conversation) -> dict[str, Any]:
        messages = conversation.messages
        unread = next(
            (n for n, each in enumerate(reversed(messages)) if each.is_from_page), len(messages)
        )
        return {
            "_type": "UnifiedThread", "id": conversation.id, "updated_time": graph_time(conversation.updated_at),
            "message_count": len(messages), "unread_count": unread, "snippet": messages[-1].text[:60],
            "can_reply": True, "participants": {"data": _participants(conversation)},
            "senders": {"data": _participants(conversation)}, "name": None, "folder": "inbox", "is_subscribed": True,
            "link": f"/{conversation.page.id}/inbox/{conversation.id[2:]}/", "is_owner": None, "wallpaper": None,
            "scoped_thread_key": conversation.id, "former_participants": None, "linked_group": None,
            "messages": functools.partial(self._expanded_messages, call, conversation),
        }

    def _expanded_messages(
        self, call: NodeCall, conversation: Conversation, arguments: Mapping[str, str]
    ) -> dict[str, Any]:
        request = replace(
            call.request, path=f"{conversation.id}/messages",
            params={"access_token": call.request.token_text or "", **arguments},
        )
        nested = _nested_fields(call.fields or "") or "id,created_time"
        return self._list_messages(replace(call, request=request), conversation, nested)

    def _list_messages(self, call: NodeCall, conversation: Conversation, fields: str) -> dict[str, Any]:
        newest_first = conversation.messages[::-1]
        return paginate(
            call.request, newest_first, lambda each: _message(conversation, each, fields), key=lambda each: each.id
        )


def _nested_fields(fields: str) -> str:
    """Return the fields in the braces of `messages{…}`."""
    for text in split_fields(fields):
        if text.partition("{")[0].partition(".")[0].strip() == "messages":
            return text.partition("{")[2].rpartition("}")[0]
    return ""


def _participants(conversation: Conversation) -> list[dict[str, str]]:
    id, name = conversation.page_side
    if conversation.platform == "instagram":
        username = conversation.person_name.lower().replace(" ", ".")
        return [{"id": conversation.person_id, "username": username}, {"id": id, "username": name}]
    return [
        {"name": conversation.person_name, "email": f"{conversation.person_id}@facebook.com",
         "id": conversation.person_id},
        {"name": name, "email": f"{id}@facebook.com", "id": id},
    ]


def _message(conversation: Conversation, message: Message, fields: str) -> dict[str, Any]:
    """Return the fields of a message; raise when it is too old and more than its id and its time are requested."""
    readable = conversation.messages[-READABLE_MESSAGES:]
    if message not in readable and top_level_names(fields) - _ALWAYS_SHOWN:
        raise GraphApiError(
            "(#100) This message was deleted or is too old: only the 20 most recent messages of a conversation can be "
            "read", 100, subcode=33,
        )
    person, page = _participants(conversation)
    sender, recipient = (page, person) if message.is_from_page else (person, page)
    return select_fields({
        "_type": "Message", "id": message.id, "created_time": graph_time(message.at), "message": message.text,
        "from": sender, "to": {"data": [recipient]}, "tags": None, "attachments": None, "sticker": None, "shares": None,
    }, fields)
