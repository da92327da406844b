"""The custom conversions of an ad account (docs/graph-api.md §9)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.cast import PIXELS
from meta_pipeline.sandbox.world.entities import Account

_NAMES = ("Checkout over 50", "Newsletter sign-up")
# Fields that the SDK knows and for which no custom conversion here has a value.
_UNUSED_FIELDS = (
    "action_source_type", "aggregation_rule", "business", "data_sources", "default_conversion_value", "description",
    "event_source_type", "last_fired_time", "offline_conversion_data_set", "retention_days",
)


def first_custom_conversion(account: Account) -> str:
    """Return the id of the custom conversion that the account's ads lead to."""
    return f"{7_100_000_000_000 + int(account.id)}01"


def list_custom_conversions(call: NodeCall, account: Account) -> dict[str, Any]:
    """Return a page of the account's custom conversions; an account that does not deliver has none."""
    nodes = [_node(account, number) for number in range(len(_NAMES))] if account.is_delivering else []
    return paginate(call.request, nodes, lambda node: select_fields(node, call.fields, ("id",)))


def _node(account: Account, number: int) -> dict[str, Any]:
    node: dict[str, Any] = dict.fromkeys(_UNUSED_FIELDS)
    return node | {
        "_type": "CustomConversion", "id": str(int(first_custom_conversion(account)) + number),
        "account_id": account.id, "name": _NAMES[number], "custom_event_type": "PURCHASE",
        "rule": '{"and":[{"event":{"eq":"Purchase"}},{"or":[{"URL":{"i_contains":"/thanks"}}]}]}',
        "creation_time": "2025-09-01T10:00:00+0000", "first_fired_time": "2025-09-02T08:00:00+0000",
        "is_archived": number == 1, "is_unavailable": False, "pixel": {"_type": "AdsPixel", "id": PIXELS[0].id},
    }
