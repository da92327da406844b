"""Many webhooks to a receiver that is killed: each genuine change is stored once, no forged one; bodies of any form."""

from __future__ import annotations

import os
from pathlib import Path

from harness.home import make_home
from harness.sandbox import Sandbox
from harness.web.generated_requests import OF_EACH
from harness.webhooks.fuzzed import check_fuzzed
from harness.webhooks.storm import PAGE, TIME, VERIFY_TOKEN, Storm, posts_of


def test_every_genuine_change_is_stored_and_acted_on_once_although_the_receiver_is_killed(tmp_path: Path, sandbox: Sandbox) -> None:
    posts = posts_of(120, duplicates=0.2, forged=0.05, seed=3)
    storm = Storm(make_home(tmp_path, sandbox, META_PIPELINE_WEBHOOK_VERIFY_TOKEN=VERIFY_TOKEN), sandbox.app["app_secret"])
    storm.run(posts, rate=100)

    true = {post.number for post in posts if not post.is_forged}
    entries = storm.entries()
    assert sorted(entry.change.time for entry in entries) == sorted(TIME + number for number in true)
    assert {entry.change.entry_id for entry in entries} == {PAGE}
    assert sorted(storm.acted_on()) == sorted(entry.id for entry in entries)
    forged = {at for at, post in enumerate(posts) if post.is_forged}
    assert forged and {storm.statuses[at] for at in forged} == {403}
    assert {status for at, status in storm.statuses.items() if at not in forged} == {200}


def test_made_up_bodies_are_read_or_refused_in_a_sentence() -> None:
    check_fuzzed(int(os.environ.get(OF_EACH, "300")), seed=1)
