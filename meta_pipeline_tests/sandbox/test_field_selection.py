"""The `fields` parameter: arguments of an expanded edge, and the fields of its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.field_selection import parse_field, select_fields, split_fields, top_level_names

FIELDS = "id,insights.metric(post_clicks,post_media_view).period(lifetime).limit(5){name,values{value}},from{name}"


def expand(arguments: Mapping[str, str]) -> dict[str, Any]:
    values = [{"value": 3, "end_time": "2026-11-20T08:00:00+0000"}, {"value": 4}]
    return {
        "data": [{"_type": "InsightsResult", "id": "7/insights", "name": name, "title": None, "values": values}
                 for name in arguments.get("metric", "").split(",")],
        "paging": {"next": "…"},
    }


NODE = {"_type": "Post", "id": "7", "insights": expand, "from": {"name": "Northwind", "id": "3"}}


def test_arguments_and_nested_fields_are_parsed() -> None:
    names = [parse_field(text) for text in split_fields(FIELDS)]

    assert [name.name for name in names] == ["id", "insights", "from"]
    assert names[1].arguments == {"metric": "post_clicks,post_media_view", "period": "lifetime", "limit": "5"}
    assert names[1].nested == "name,values{value}"
    assert top_level_names(FIELDS) == {"id", "insights", "from"}


def test_an_edge_is_expanded_with_its_arguments_and_only_the_fields_in_braces() -> None:
    assert select_fields(NODE, FIELDS) == {
        "id": "7", "from": {"name": "Northwind", "id": "3"},
        "insights": {
            "data": [
                {"name": name, "values": [{"value": 3}, {"value": 4}], "id": "7/insights"}
                for name in ("post_clicks", "post_media_view")
            ],
            "paging": {"next": "…"},
        },
    }
    whole = select_fields(NODE, "insights.metric(post_clicks)")["insights"]["data"]
    assert [set(record) for record in whole] == [{"id", "name", "title", "values"}]


@pytest.mark.parametrize("fields", ["id,nonsense", "insights.metric(post_clicks){nonsense}"])
def test_an_unknown_field_is_an_error_at_every_depth(fields: str) -> None:
    with pytest.raises(GraphApiError, match="nonexisting field \\(nonsense\\)"):
        select_fields(NODE, fields)
