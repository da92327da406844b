"""The smallest read that a change calls for. Several changes of one object call for one read, in any order of
arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from meta_pipeline.records import Change

RefreshKind = Literal["post", "story", "media", "entities", "token", "lead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """One read. `node_id`: the Page, Instagram account, ad account or person; `object_id`: its post, story, lead or ad
    object, None for the whole node."""

    kind: RefreshKind
    node_id: str
    object_id: str | None = None

    @property
    def key(self) -> str:
        """Return its name in run keys and tags."""
        return ":".join(part for part in (self.kind, self.node_id, self.object_id) if part)


def refresh_of(change: Change) -> Refresh | None:
    """Return the read that a change calls for; None when it calls for none, such as a change of an unused field."""
    value = change.value
    match change.object, change.field:
        case "page", "feed":
            post_id = value.get("post_id")
            return Refresh(kind="post", node_id=change.entry_id, object_id=post_id) if post_id else None
        case "page", "leadgen":
            lead_id = value.get("leadgen_id")
            return Refresh(kind="lead", node_id=change.entry_id, object_id=lead_id) if lead_id else None
        case "instagram", "story_insights":
            media_id = value.get("media_id")
            return Refresh(kind="story", node_id=change.entry_id, object_id=media_id) if media_id else None
        case "instagram", "media" | "stories":  # from our own publishing: Meta reports neither field
            kind: RefreshKind = "media" if change.field == "media" else "story"
            return Refresh(kind=kind, node_id=change.entry_id, object_id=value.get("media_id"))
        case "permissions", _:
            return Refresh(kind="token", node_id=change.entry_id)
        case "ad_account", _:
            object_id = value.get("id")
            if change.entry_id != "0":  # Meta's sample has "0": the id is then in the value only
                account = change.entry_id if change.entry_id.startswith("act_") else f"act_{change.entry_id}"
                return Refresh(kind="entities", node_id=account, object_id=object_id)
            return Refresh(kind="entities", node_id="", object_id=object_id) if object_id else None
    return None


def by_refresh(changes: Iterable[tuple[int, Change]]) -> dict[Refresh, list[int]]:
    """Return the reads that changes call for, each with the ids of its changes. Skip changes that call for none."""
    grouped: dict[Refresh, list[int]] = {}
    for id, change in changes:
        if (refresh := refresh_of(change)) is not None:
            grouped.setdefault(refresh, []).append(id)
    return grouped
