"""Which Pages and Instagram accounts an ad account promotes."""

from __future__ import annotations

from meta_pipeline.extract.ads.listings.promoted import promoted_by


def test_pages_come_from_stories_posts_and_promoted_objects_each_once() -> None:
    creatives = [
        b'{"id":"1","object_story_spec":{"page_id":"70","link_data":{}},"instagram_user_id":"178"}',
        b'{"id":"2","effective_object_story_id":"71_900"}',
        b'{"id":"3","effective_object_story_id":"71_901","object_story_spec":{"page_id":71}}',
        b'{"id":"4","effective_object_story_id":"without a post"}',
        b'{"id":"5","error":"gone"}',
        b'{"id":"6","object_story_spec":"not an object"}',
    ]
    ad_sets = [b'{"id":"1","promoted_object":{"page_id":"72"}}', b'{"id":"2","promoted_object":{"pixel_id":"5"}}']

    assert promoted_by(creatives, ad_sets) == [
        {"kind": "instagram_account", "id": "178", "via": "creatives"},
        {"kind": "page", "id": "70", "via": "creatives"},
        {"kind": "page", "id": "71", "via": "creatives"},
        {"kind": "page", "id": "72", "via": "ad_sets"},
    ]
