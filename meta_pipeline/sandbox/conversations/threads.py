"""Conversations and their messages: computed from absolute time, and added by control calls.

People write, Pages answer most of them after a while, and some conversations have more messages than Graph lets an app
read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.growth import publication_times
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

PLATFORMS = ("messenger", "instagram")
# The first letters of the ids of conversations and messages.
CONVERSATION_IDS = ("t_", "m_")
_FIRST_CONVERSATION, _FIRST_PERSON = 10_210_000_000_000, 7_300_000_000_000
_SPACING = 1_000_000  # between the first ids of two Pages or platforms
_NAMES = ("Mia Hoffmann", "Noah Silva", "Aiko Tanaka", "Liam Walker", "Zoë Laurent", "Ravi Patel")
_QUESTIONS = (
    "Hello, is the jacket available in size M?", "When do you open on Sunday?", "My parcel has not arrived yet",
    "Can I return it?", "Thank you, that helps!",
)
_ANSWERS = (
    "Hi! Yes, it is.", "We open at 10.", "Sorry to hear that, may I have the order number?",
    "Of course, within 30 days.",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; `is_from_page` is false for one that the person wrote."""

    id: str
    at: dt.datetime
    is_from_page: bool
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of a Page with one person, its messages oldest first."""

    id: str
    page: Page
    platform: str
    person_id: str
    person_name: str
    messages: tuple[Message, ...]

    def at(self, now: dt.datetime) -> Conversation:
        """Return the conversation with the messages that were written by then."""
        return dataclasses.replace(self, messages=tuple(each for each in self.messages if each.at <= now))

    @property
    def updated_at(self) -> dt.datetime:
        """Return when the last message was written."""
        return self.messages[-1].at

    @property
    def page_side(self) -> tuple[str, str]:
        """Return the id and the name of the Page's side: on Instagram that of the account."""
        is_messenger = self.platform == "messenger"
        return (self.page.id, self.page.name) if is_messenger else (self.page.instagram_id, self.page.instagram_name)


class Threads:
    """The conversations of every Page, those that control calls planted included."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._planted: dict[str, Conversation] = {}

    def of_page(self, page: Page, platform: str, now: dt.datetime) -> list[Conversation]:
        """Return a Page's conversations with their messages so far, the one that changed last first."""
        times = publication_times(
            self.world, page.id, platform, per_two_years=self.world.options.conversations_per_page, now=now
        )
        own = [self._conversation(page, platform, number, at) for number, at in enumerate(times)]
        planted = [each for each in self._planted.values() if (each.page.id, each.platform) == (page.id, platform)]
        begun = [each.at(now) for each in (*own, *planted) if each.messages[0].at <= now]
        return sorted(begun, key=lambda each: (each.updated_at, each.id), reverse=True)

    def find(self, conversation_id: str, now: dt.datetime) -> Conversation | None:
        """Return the conversation with this id."""
        return next((each for each in self._all(now) if each.id == conversation_id), None)

    def find_message(self, message_id: str, now: dt.datetime) -> tuple[Conversation, Message] | None:
        """Return a message with its conversation."""
        for conversation in self._all(now) if message_id.startswith("m_") else ():
            for message in conversation.messages:
                if message.id == message_id:
                    return conversation, message
        return None

    def plant(self, body: Mapping[str, Any], now: dt.datetime) -> dict[str, str]:
        """Add a message of a person (`page_id`, `platform`, `person_id`, `name`, `text`), or of the Page with `answer`,
        to their conversation; return the ids. Raise KeyError when one is missing, ValueError for an unknown Page."""
        page = self.world.pages.get(str(body["page_id"]))
        platform, person_id = str(body.get("platform", PLATFORMS[0])), str(body["person_id"])
        if page is None or platform not in PLATFORMS or not person_id.isdigit():
            raise ValueError("a planted message has a page_id of this world, a platform and a person_id of digits")
        id = f"t_{self.world.roll(page.id, platform, person_id) % 10**15:015d}"
        earlier = self._planted.get(id)
        messages = earlier.messages if earlier else ()
        message = Message(
            id=f"m_{id[2:]}{len(messages):04d}", at=now, is_from_page="answer" in body,
            text=str(body["answer"] if "answer" in body else body["text"]),
        )
        self._planted[id] = Conversation(
            id=id, page=page, platform=platform, person_id=person_id, messages=(*messages, message),
            person_name=earlier.person_name if earlier else str(body["name"]),
        )
        return {"conversation_id": id, "message_id": message.id}

    def _all(self, now: dt.datetime) -> list[Conversation]:
        return [
            each for page in self.world.pages.values() for platform in PLATFORMS
            for each in self.of_page(page, platform, now)
        ]

    def _conversation(self, page: Page, platform: str, number: int, begun_at: dt.datetime) -> Conversation:
        draw = self.world.roll(page.id, platform, "conversation", number)
        shift = (int(page.id[-4:]) * len(PLATFORMS) + PLATFORMS.index(platform)) * _SPACING + number
        id = f"t_{_FIRST_CONVERSATION + shift}"
        return Conversation(
            id=id, page=page, platform=platform, person_id=str(_FIRST_PERSON + shift),
            person_name=_NAMES[draw % len(_NAMES)], messages=self._messages(id, begun_at),
        )

    def _messages(self, id: str, begun_at: dt.datetime) -> tuple[Message, ...]:
        """Return a conversation's messages: every fifth has more than can be read, some end without an answer."""
        draw = self.world.roll(id, "messages")
        count = 21 + (draw >> 8) % 25 if draw % 5 == 0 else 1 + (draw >> 8) % 12
        messages, at, is_from_page = [], begun_at, False
        for number in range(count):
            step = self.world.roll(id, "message", number)
            texts = _ANSWERS if is_from_page else _QUESTIONS
            messages.append(Message(
                id=f"m_{id[2:]}{number:04d}", at=at, is_from_page=is_from_page, text=texts[step % len(texts)],
            ))
            at += dt.timedelta(seconds=30 + (step >> 8) % (6 * 3600))
            is_from_page = not is_from_page if (step >> 24) % 4 else is_from_page
        return tuple(messages)
