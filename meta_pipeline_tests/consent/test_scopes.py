"""Each feature requests exactly the scopes that it needs."""

from __future__ import annotations

import pytest

from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.graph.writes import WriteKind

# Scopes beyond those of phase 2, which reads and lists businesses (docs/graph-api.md §4.6).
ADDED = {
    "ads_creation": {"ads_management", "pages_manage_ads"},
    "business_writes": set[str](),
    "conversations": {"pages_messaging", "instagram_manage_messages", "pages_manage_metadata"},
    "leads": {"leads_retrieval", "ads_management", "pages_manage_ads"},
    "post_comments": {"pages_read_user_content"},
    "publishing": {"pages_manage_posts", "instagram_content_publish"},
    "webhooks": {"pages_manage_metadata"},
}
NEEDED = {
    "leads": {"leads_retrieval", "ads_management", "pages_show_list", "pages_read_engagement", "pages_manage_ads"},
    "conversations": {"pages_messaging", "instagram_manage_messages", "pages_manage_metadata", "pages_read_engagement", "instagram_basic"},
    "ads_creation": {"ads_management", "pages_manage_ads", "pages_read_engagement", "instagram_basic"},
}


def test_every_feature_is_in_the_table() -> None:
    assert set(ADDED) == set(FEATURES)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_requests_exactly_the_scopes_that_it_needs(feature: str) -> None:
    requested = set(scopes_for(3, (feature,)))

    assert requested - set(scopes_for(2)) == ADDED[feature]
    assert requested >= NEEDED.get(feature, set())
    for kind in (*CallKind, *WriteKind):
        # Webhooks of ad accounts need `ads_management`, and deleting media on Instagram needs
        # `instagram_manage_contents`: both work only where the scope is granted for another reason.
        if kind.value.feature == feature and not kind.name.startswith(("ACCOUNT_", "MEDIA_REMOVAL")):
            assert requested >= {*kind.value.scopes, *getattr(kind.value, "all_scopes", ())}
