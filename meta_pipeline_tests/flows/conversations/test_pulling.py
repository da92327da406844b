"""Changes of conversations are read once and stored sealed, and messages that can't be read are counted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from harness.frozen_clock import FrozenRuntime
from harness.nodes.organic import PAGE
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.flows.conversations.pulling import ConversationPull, ConversationPuller
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.sandbox.control import control
from meta_pipeline.sealed.people import identifiers_of, page_scoped_user
from meta_pipeline.sealed.store import CONVERSATIONS, SealedStore
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.pulls import conversations
from meta_pipeline.vault.seal import new_key

EVERY_SCOPE = scopes_for(3, FEATURES)
TEXT, NAME, PERSON = "Please call +49 151 7654321 about order 4711", "Adelheid Beispiel", "7399999999"


class Home:
    """A home with one Page whose conversations are read."""

    def __init__(self, folder: Path, *, scopes: tuple[str, ...] = EVERY_SCOPE) -> None:
        self.folder, self.runtime = folder, FrozenRuntime(folder)
        self.runtime.onboard(self.runtime.mint(scopes=scopes), phase=3)
        self.store = SealedStore(
            CONVERSATIONS, folder / CONVERSATIONS, vault_keys=new_key(), engine=self.runtime.engine,
            digest=self.runtime.vault.signing_key().digest, content_days=90, now=self.runtime.clock.now,
            sleep=self.runtime.clock.sleep,
        )

    def pull(self) -> ConversationPull:
        """Read what changed, and return the result."""
        link = find_link(self.runtime.engine, PAGE)
        assert link is not None
        puller = ConversationPuller(
            graph=self.runtime.client, tokens=self.runtime.vault, engine=self.runtime.engine, store=self.store,
            kept_days=90, now=self.runtime.clock.now,
        )
        return next(puller.pull([link], {}))

    def plant(self, **body: Any) -> dict[str, str]:
        """Let the person write to the Page."""
        planted: dict[str, str] = control(
            self.runtime.graph, "conversations", {"page_id": PAGE, "person_id": PERSON, "name": NAME, **body}, {}
        )
        return planted

    def calls(self) -> int:
        """Return how many operations were sent so far."""
        return sum(event.operations for event in self.runtime.events)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_every_message_that_can_be_read_is_stored_once_and_the_others_are_counted(home: Home) -> None:
    for number in range(23):
        home.runtime.clock.sleep(60)
        home.plant(text=f"message {number}")
    first = home.pull()
    stored = list(home.store.entries(PAGE))
    listed = conversations.find(home.runtime.engine, page_id=PAGE)
    of_platform = {name: [each for each in listed if each.platform == name] for name in ("messenger", "instagram")}
    threads = home.runtime.graph.conversations.threads
    page, now = home.runtime.graph.world.pages[PAGE], home.runtime.clock.at
    true = [
        each for name in of_platform for each in threads.of_page(page, name, now)
        if each.updated_at >= now - dt.timedelta(days=90)
    ]
    expected = {message.id for each in true for message in each.messages[-20:]}

    assert (first.refused, first.problems) == ([], [])
    assert all(of_platform.values()) and first.conversations == len(listed) == len(true)
    assert {entry.id for entry in stored} == expected and first.messages == len(expected)
    assert first.unreadable == sum(len(each.messages) - len(each.messages[-20:]) for each in true) == 3
    assert sum(each.unreadable or 0 for each in listed) == first.unreadable
    assert {entry.attributes["is_from_page"] for entry in stored} == {True, False}


def test_a_second_read_lists_and_reads_only_the_conversation_that_changed(home: Home) -> None:
    home.pull()
    before = home.calls()
    nothing = home.pull()
    listing = home.calls() - before
    planted = home.plant(text=TEXT)
    new = home.pull()

    assert (nothing.conversations, nothing.messages) == (0, 0)
    assert (new.conversations, new.messages) == (1, 1)
    assert home.calls() - before == 2 * listing + 1
    [record] = home.store.read(PAGE, group=planted["conversation_id"])
    assert record.content["text"] == TEXT
    assert {*identifiers_of("+49 151 7654321"), page_scoped_user(PERSON)} & record.people


def test_messages_that_were_read_before_are_not_missing_when_the_conversation_grows(home: Home) -> None:
    def write(count: int) -> None:
        for number in range(count):
            home.runtime.clock.sleep(60)
            home.plant(text=f"message {number}")

    write(15)
    home.pull()
    write(10)
    assert home.pull().unreadable == 0
    write(22)
    assert home.pull().unreadable == 2
    assert [each.unreadable for each in conversations.find(home.runtime.engine) if each.message_count == 47] == [2]


@pytest.mark.parametrize(("scope", "platform", "other"), [
    ("pages_messaging", "Messenger", "instagram"), ("instagram_manage_messages", "Instagram", "messenger"),
])
def test_a_platform_whose_permission_is_missing_stops_no_other(
    tmp_path: Path, scope: str, platform: str, other: str
) -> None:
    home = Home(tmp_path, scopes=tuple(each for each in EVERY_SCOPE if each != scope))
    result = home.pull()

    [sentence] = result.refused
    assert platform in sentence and scope in sentence and "Northwind" in sentence
    assert {each.platform for each in conversations.find(home.runtime.engine)} == {other}
    assert result.messages > 0 and result.problems == []


def test_a_missing_task_is_named_by_page_and_platform(home: Home) -> None:
    control(home.runtime.graph, "tasks", {"node": PAGE, "tasks": ["ANALYZE"]}, {})
    result = home.pull()

    assert [platform in sentence for platform, sentence in zip(("Messenger", "Instagram"), result.refused, strict=True)]
    assert all("MESSAGING or MODERATE" in sentence for sentence in result.refused)
    assert list(home.store.entries()) == []


def test_a_person_is_in_no_file_and_stays_erased(home: Home) -> None:
    home.plant(text=TEXT)
    home.plant(platform="instagram", text=f"and mail me: {NAME.split()[0].lower()}@example.com")
    home.pull()
    home.runtime.engine.dispose()
    files = [file for file in home.folder.rglob("*") if file.is_file()]
    content = b"".join(file.read_bytes() for file in files)

    assert any(file.suffix == ".parquet" for file in files)
    assert not any(secret.encode() in content for secret in (TEXT, NAME, "7654321", "Adelheid", "@example.com", PERSON))
    assert len(home.store.find_person({page_scoped_user(PERSON)})) == 2
    assert len(home.store.delete_person({page_scoped_user(PERSON)})) == 2
    home.plant(text="once more")
    assert home.pull().messages == 1  # the new one, not those that were erased
