"""A page is sliced into exactly the bytes of its records, however it is encoded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract import page_slicing as module
from meta_pipeline.extract.page_slicing import slice_records, strip_separators

PLAIN: list[dict[str, object]] = [
    {"account_id": "1", "ad_name": "a", "actions": [{"action_type": "x", "value": "1"}, {"action_type": "y"}]},
    {"account_id": "2", "ad_name": "é 😀 }],[{ },{\"account_id\":"},
    {"account_id": "3", "spend": "1.5", "nested": {"account_id": {"deep": [{}, []]}}},
]
TEXT = st.text(alphabet=st.sampled_from('{}[],:"\\ aé😀_id') | st.characters(codec="utf-8"), max_size=12)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("account_id"), inner, max_size=3),
    max_leaves=6,
)
RECORD = st.dictionaries(st.sampled_from(["account_id", "ad_id", "x"]) | TEXT, VALUE, max_size=4)
LIKE_META = st.builds(lambda more: {"account_id": "1", **more}, RECORD)


def written(
    records: list[dict[str, object]], *, is_ascii: bool, comma: str = ",", after: str = "QVFI"
) -> tuple[bytes, list[bytes]]:
    """Return a page, and the bytes of its records."""

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=is_ascii, separators=(comma, ":"))

    pieces = [text(record).encode() for record in records]
    paging = text({"cursors": {"after": after}, "next": f"https://graph.example/?after={after}"}).encode()
    return b'{"data":[' + comma.encode().join(pieces) + b'],"paging":' + paging + b"}", pieces


@given(
    st.lists(RECORD, max_size=5) | st.lists(LIKE_META, max_size=5), st.booleans(), st.sampled_from([",", ", "]),
    st.sampled_from(["QVFI", "}],[{", '},{"account_id":']),
)
def test_every_page_is_sliced_into_its_records(
    records: list[dict[str, object]], is_ascii: bool, comma: str, after: str
) -> None:
    body, pieces = written(records, is_ascii=is_ascii, comma=comma, after=after)

    assert strip_separators(slice_records(body, len(records))).to_pylist() == pieces


@pytest.mark.parametrize("is_ascii", [True, False])
def test_a_page_as_meta_writes_it_is_not_parsed_again(is_ascii: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "page_reader", None)
    for records in (PLAIN, PLAIN[:1], PLAIN * 200):
        body, pieces = written(records, is_ascii=is_ascii)
        assert strip_separators(slice_records(body, len(records))).to_pylist() == pieces


def test_sliced_records_do_not_keep_their_page_in_memory() -> None:
    body, pieces = written(PLAIN * 100, is_ascii=True)
    records = strip_separators(slice_records(body, 300)[:3])

    assert records.to_pylist() == pieces[:3]
    assert sum(buffer.size for buffer in records.buffers() if buffer) < 1000 < len(body)
