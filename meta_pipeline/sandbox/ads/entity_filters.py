"""Select the campaigns, ad sets and ads of a listing (docs/graph-api.md §9)."""

from __future__ import annotations

import operator as op
from collections.abc import Callable
from typing import Any

from meta_pipeline.sandbox.ads.entity_nodes import updated_at
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.world.entities import Entity

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": op.gt, "GREATER_THAN_OR_EQUAL": op.ge, "LESS_THAN": op.lt, "LESS_THAN_OR_EQUAL": op.le,
}


def filter_entities(request: GraphRequest, entities: list[Entity]) -> list[Entity]:
    """Return the entities that the request's filters select.

    Without a status filter archived and deleted ones are left out; a filter by DELETED raises error 100.
    `updated_time` is compared in Unix seconds; its field name may be prefixed with the kind.
    """
    statuses = request.list_param("effective_status")
    if request.params.get("updated_since"):
        entities = _filter_by_update(entities, "GREATER_THAN_OR_EQUAL", request.params["updated_since"])
    for rule in request.json_param("filtering", []) or []:
        name, value = str(rule.get("field", "")), rule.get("value")
        if name.endswith("effective_status"):
            statuses = [str(status) for status in value]
        elif name.rpartition(".")[2] == "updated_time":
            entities = _filter_by_update(entities, str(rule.get("operator")), value)
        elif name.rpartition(".")[2] == "name" and rule.get("operator") == "CONTAIN":
            entities = [entity for entity in entities if str(value) in entity.name]
        elif name.endswith(".id") or name == "id":
            ids = {str(entity_id) for entity_id in value}
            entities = [entity for entity in entities if entity.id in ids]
    if "DELETED" in statuses:
        raise GraphApiError(
            "(#100) Filtering by the status DELETED is not supported on this edge", 100, subcode=1815001
        )
    if statuses:
        return [entity for entity in entities if entity.effective_status in statuses]
    return [entity for entity in entities if entity.effective_status not in ("DELETED", "ARCHIVED")]


def _filter_by_update(entities: list[Entity], operator: str, value: Any) -> list[Entity]:
    if operator not in _COMPARISONS:
        raise GraphApiError(
            f"(#100) Filtering field updated_time with operation {operator.lower()} is not supported", 100
        )
    try:
        bound = float(value)
    except (TypeError, ValueError):
        raise GraphApiError("(#100) Filtering value of updated_time must be a timestamp", 100) from None
    is_selected = _COMPARISONS[operator]
    return [entity for entity in entities if is_selected(int(updated_at(entity).timestamp()), bound)]
