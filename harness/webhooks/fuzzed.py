"""Bodies of webhooks that somebody has tampered with: each must be parsed, or refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meta_pipeline.webhooks.payload import PayloadError, changes_in

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_IDS = st.sampled_from(["1", "act_1", "3_4", "0", "", "x", 1, -1, None, "9" * 60]) | _JSON
_FIELDS = _JSON | st.sampled_from(
    ["feed", "leadgen", "story_insights", "ads_read", "with_issues_ad_objects", "", "<b>"]
)
_KEYS = ("post_id", "leadgen_id", "media_id", "id", "verb", "target_ids", "reach", "level", "message")
_VALUES = st.dictionaries(st.sampled_from(_KEYS), _IDS) | _JSON
_CHANGES = st.lists(st.fixed_dictionaries({"field": _FIELDS}, optional={"value": _VALUES}) | _JSON, max_size=4)
_ENTRIES = st.lists(
    st.fixed_dictionaries({}, optional={
        "id": _IDS, "time": st.integers(0, 2_000_000_000) | _JSON, "changes": _CHANGES | _JSON,
        "changed_fields": st.lists(_FIELDS, max_size=3) | _JSON,
    }) | _JSON,
    max_size=4,
)
_OBJECTS = st.sampled_from(["page", "instagram", "ad_account", "permissions", "user", "novelty", ""]) | _JSON
BODIES = (
    st.fixed_dictionaries({}, optional={"object": _OBJECTS, "entry": _ENTRIES | _JSON}).map(
        lambda body: json.dumps(body).encode()
    )
    | st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)


def read(body: bytes) -> list[Any]:
    """Return the changes of a body, an empty list for a refused one. Raise every error that is not a PayloadError."""
    try:
        changes = changes_in(body, key="secret")
    except PayloadError as error:
        if "\n" in str(error) or len(str(error)) > 200:
            raise AssertionError("the error is no sentence") from error
        return []
    for change in changes:
        json.dumps(change.value)
        if any(isinstance(value, str) and len(value) > 90 for value in change.value.values()):
            raise AssertionError("a long text is stored")
    return changes


def check_fuzzed(count: int, *, seed: int | None = None) -> None:
    """Parse this number of bodies; with a `seed`, the same ones each time."""

    @settings(
        max_examples=count, deadline=None, database=None, derandomize=seed is not None,
        suppress_health_check=list(HealthCheck),
    )
    @given(BODIES)
    def each(body: bytes) -> None:
        read(body)

    each()
