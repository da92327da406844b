"""The Pages and Instagram accounts that an ad account promotes, from its creatives and ad sets: there is no edge for it
(docs/graph-api.md §13.34)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

CREATIVES_VIA, AD_SETS_VIA = "creatives", "ad_sets"
Relation = dict[str, str]


class _Story(msgspec.Struct):
    page_id: str | int | None = None


class _Creative(msgspec.Struct):
    object_story_spec: _Story | None = None
    effective_object_story_id: str | None = None
    instagram_user_id: str | int | None = None


class _AdSet(msgspec.Struct):
    promoted_object: _Story | None = None


_read_creative = msgspec.json.Decoder(_Creative).decode
_read_ad_set = msgspec.json.Decoder(_AdSet).decode


def promoted_by(creatives: Iterable[bytes], ad_sets: Iterable[bytes]) -> list[Relation]:
    """Return a relation for each Page and Instagram account that these records name, sorted by kind and id; `via` is
    the kind of record that names it. A record that can't be parsed is skipped."""
    relations = {*_of_creatives(creatives), *_of_ad_sets(ad_sets)}
    return [{"kind": kind, "id": id, "via": via} for kind, id, via in sorted(relations)]


def _of_creatives(records: Iterable[bytes]) -> Iterator[tuple[str, str, str]]:
    for record in records:
        try:
            creative = _read_creative(record)
        except msgspec.MsgspecError:
            continue
        story_page, _, post = (creative.effective_object_story_id or "").partition("_")
        page = creative.object_story_spec.page_id if creative.object_story_spec else None
        for id in (page, story_page if post else None):
            if id:
                yield "page", str(id), CREATIVES_VIA
        if creative.instagram_user_id:
            yield "instagram_account", str(creative.instagram_user_id), CREATIVES_VIA


def _of_ad_sets(records: Iterable[bytes]) -> Iterator[tuple[str, str, str]]:
    for record in records:
        try:
            ad_set = _read_ad_set(record)
        except msgspec.MsgspecError:
            continue
        if ad_set.promoted_object and ad_set.promoted_object.page_id:
            yield "page", str(ad_set.promoted_object.page_id), AD_SETS_VIA
