"""Every code of Meta has its remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meta_pipeline.graph.errors import REMEDIES, TooMuchDataError, TransientError, error_from
from meta_pipeline.graph.responses.response import decipher

SAMPLES = json.loads((Path(__file__).parents[1] / "samples" / "graph" / "errors.json").read_text())


def _name(sample: dict[str, Any]) -> str:
    error = sample["body"]["error"]
    return f"{error['code']}-{error.get('error_subcode')}-{sample['status']}-{sample['remedy']}"


@pytest.mark.parametrize("sample", SAMPLES, ids=_name)
def test_a_sample_of_every_code_has_its_remedy(sample: dict[str, Any]) -> None:
    _, error = decipher(sample["status"], {}, json.dumps(sample["body"]).encode())

    assert sample["remedy"] == type(error).__name__
    assert "[fbtrace A_muLgNXB2rhzyBV_3YbJeo]" in str(error)


def test_every_row_of_the_table_has_a_sample() -> None:
    seen = {(sample["body"]["error"]["code"], sample["body"]["error"].get("error_subcode")) for sample in SAMPLES}
    missing = {row for row in REMEDIES if row not in seen and not 200 <= row[0] < 300}

    assert missing == set()


def test_code_1_is_too_much_data_only_where_the_message_says_so() -> None:
    error = {"message": "Please reduce the amount of data you're asking for, then retry your request", "code": 1}

    assert isinstance(error_from(error, http_status=500, trace_id=None), TooMuchDataError)
    assert REMEDIES[(1, None)] is TransientError
