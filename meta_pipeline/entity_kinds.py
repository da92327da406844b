"""The kinds of entities that an ad account holds, as data: their fields, statuses and columns. Every layer that needs a
list of the kinds derives it from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKind:
    """One kind of entity. `name`: of its listing and its raw table; `fields`: requested from Graph; `payload_only`:
    those without a column in the raw table. `level`: the level of Ads Insights that has a row for each entity; `edge`:
    the account's edge that lists them; `statuses`: all that an entity can have. `has_error`: a row may have the reason
    why an entity could not be read; `has_history`: every state of an entity is recorded."""

    name: str
    fields: tuple[str, ...]
    level: str | None = None
    edge: str | None = None
    statuses: tuple[str, ...] = ()
    payload_only: frozenset[str] = frozenset()
    has_error: bool = True
    has_history: bool = True

    @property
    def listed_statuses(self) -> tuple[str, ...]:
        """Return the statuses that a listing must name to include entities that do not deliver. DELETED is an error on
        an edge (docs/graph-api.md §9), so deleted entities are read by id."""
        return tuple(status for status in self.statuses if status != "DELETED")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the raw table, all text."""
        read = tuple(name.partition("{")[0] for name in self.fields if name not in self.payload_only)
        return (*read, "error") if self.has_error else read


_COMMON = ("id", "account_id", "name", "status", "effective_status", "created_time", "updated_time")
_CAMPAIGN_STATUSES = ("ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES")

ACCOUNTS = EntityKind(
    name="accounts",
    fields=(
        "id", "account_id", "name", "account_status", "currency", "timezone_name", "timezone_offset_hours_utc",
        "created_time", "amount_spent", "spend_cap", "business",
    ),
    level="account",
    payload_only=frozenset(("timezone_offset_hours_utc", "business")),
    has_error=False,
)
CAMPAIGNS = EntityKind(
    name="campaigns",
    fields=(
        *_COMMON, "objective", "buying_type", "bid_strategy", "daily_budget", "lifetime_budget", "budget_remaining",
        "spend_cap", "start_time", "stop_time",
    ),
    level="campaign",
    edge="campaigns",
    statuses=_CAMPAIGN_STATUSES,
)
AD_SETS = EntityKind(
    name="ad_sets",
    fields=(
        *_COMMON, "campaign_id", "optimization_goal", "billing_event", "bid_strategy", "daily_budget",
        "lifetime_budget", "budget_remaining", "start_time", "end_time", "promoted_object",
    ),
    level="adset",
    edge="adsets",
    statuses=(*_CAMPAIGN_STATUSES, "CAMPAIGN_PAUSED"),
)
ADS = EntityKind(
    name="ads",
    fields=(*_COMMON, "campaign_id", "adset_id", "creative{id}"),
    level="ad",
    edge="ads",
    # S24 `Ad.EffectiveStatus`.
    statuses=(
        "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
        "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
    ),
)
CREATIVES = EntityKind(
    name="creatives",
    # What URL reports, thumbnails and posts need. Creatives have no `updated_time` (docs/graph-api.md §9).
    fields=(
        "id", "account_id", "name", "status", "object_type", "title", "body", "call_to_action_type", "link_url",
        "url_tags", "image_hash", "thumbnail_url", "video_id", "effective_object_story_id", "object_story_spec",
        "asset_feed_spec", "instagram_user_id", "effective_instagram_media_id", "instagram_permalink_url",
    ),
    edge="adcreatives",
    # A signed URL, which has expired when the table is read.
    payload_only=frozenset(("thumbnail_url",)),
)
CUSTOM_CONVERSIONS = EntityKind(
    name="custom_conversions",
    # The action type of a custom conversion has its id, and no name (docs/graph-api.md §9).
    fields=(
        "id", "account_id", "name", "custom_event_type", "rule", "creation_time", "first_fired_time", "is_archived",
    ),
    edge="customconversions",
    has_error=False,
    has_history=False,
)
# Not requested from Graph: one row per creative with its downloaded thumbnail.
THUMBNAILS = EntityKind(
    name="thumbnails", fields=("id", "account_id", "sha256", "path"), has_history=False,
)

# In the order in which they land: a creative that has landed is not read again, and the signed URL of its thumbnail
# expires, so thumbnails land first.
ENTITY_KINDS = (ACCOUNTS, CAMPAIGNS, AD_SETS, ADS, CUSTOM_CONVERSIONS, THUMBNAILS, CREATIVES)
# The kinds that rows of Ads Insights name, from the top level down.
LISTED_KINDS = (CAMPAIGNS, AD_SETS, ADS)


def kind_of_level(level: str) -> EntityKind:
    """Return the kind of entity for which a report of this level has rows."""
    return next(kind for kind in ENTITY_KINDS if kind.level == level)
