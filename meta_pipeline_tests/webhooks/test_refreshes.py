"""The smallest read that changes require does not depend on their order or number."""

from __future__ import annotations

import random
from typing import Any

import pytest

from meta_pipeline.records import Change
from meta_pipeline.webhooks.refreshes import Refresh, by_refresh, refresh_of


def change(object: str, field: str, entry_id: str = "3", **value: Any) -> Change:
    return Change(object=object, entry_id=entry_id, field=field, time=1, value_digest="d", value=value)


@pytest.mark.parametrize(("reported", "refresh"), [
    (change("page", "feed", post_id="3_1"), Refresh(kind="post", node_id="3", object_id="3_1")),
    (change("page", "leadgen", leadgen_id="5"), Refresh(kind="lead", node_id="3", object_id="5")),
    (change("instagram", "story_insights", media_id="7"), Refresh(kind="story", node_id="3", object_id="7")),
    (change("permissions", "ads_read", verb="revoked"), Refresh(kind="token", node_id="3")),
    (change("ad_account", "with_issues_ad_objects", "12", id="9"), Refresh(kind="entities", node_id="act_12", object_id="9")),
    (change("ad_account", "with_issues_ad_objects", "act_12", id="9"), Refresh(kind="entities", node_id="act_12", object_id="9")),
    (change("ad_account", "in_process_ad_objects", "0", id="9"), Refresh(kind="entities", node_id="", object_id="9")),
    (change("ad_account", "in_process_ad_objects", "0"), None), (change("page", "feed"), None),
    (change("page", "mention", post_id="3_1"), None), (change("novelty", "thing"), None),
])
def test_a_change_requires_one_read_or_none(reported: Change, refresh: Refresh | None) -> None:
    assert refresh_of(reported) == refresh


def test_changes_in_any_order_require_the_same_reads() -> None:
    changes = list(enumerate(
        [change("page", "feed", post_id=f"3_{n % 4}", verb=verb) for n in range(8) for verb in ("add", "edit", "remove")]
    ))
    grouped = {refresh: set(ids) for refresh, ids in by_refresh(changes).items()}
    for seed in range(20):
        shuffled = random.Random(seed).sample(changes, len(changes))
        assert {refresh: set(ids) for refresh, ids in by_refresh(shuffled).items()} == grouped

    assert len(grouped) == 4 and sum(map(len, grouped.values())) == len(changes)
