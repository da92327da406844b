"""A day that is read in parts from the sandbox: ads that no listing has are read by their ids, an ad that is too much
is read by fields, and every figure equals the sandbox's."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.faults.faulty_pull import ACCOUNT, DAYS, FaultyPull
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.records import LandedFile
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse

REPORT = "ad_insights_by_demographics"
FIELDS = len(REPORTS[REPORT].fields)


class Recorder:
    """A count of the answered requests by kind of part and number of fields."""

    def __init__(self, pull: FaultyPull) -> None:
        self.answer, self.answered = pull.graph.answer, Counter[tuple[str, int]]()

    def __call__(self, request: GraphRequest) -> GraphResponse:
        response = self.answer(request)
        if response.status == 200 and request.method == "GET" and request.path.endswith("/insights"):
            rules = request.params.get("filtering", "")
            kind = "rest" if "NOT_IN" in rules else "ids" if '"ad.id"' in rules else "all"
            self.answered[kind, len(request.list_param("fields"))] += 1
        return response


def read(path: Path, most_points: int) -> Counter[tuple[str, int]]:
    pull = FaultyPull(path)
    pull.graph.limits.settings.data_points_a_request = most_points  # rows × fields
    recorder = Recorder(pull)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pull.graph, "answer", recorder)
        results = pull.run("b", (REPORT,))

    files = [result for result in results if isinstance(result, LandedFile)]
    assert len(files) == len(results) == len(DAYS)
    rows = [json.loads(text) for file in files for text in pq.read_table(file.path).column("payload").to_pylist()]
    true = [row for row in totals.daily_totals(pull.graph.world, since=DAYS[0], until=DAYS[-1], at=pull.graph.now())["ad"] if f"act_{row['account_id']}" == ACCOUNT]
    for name in ("impressions", "clicks", "spend"):
        assert sum(Decimal(row[name]) for row in rows) == sum(Decimal(row[name]) for row in true)
    assert {(row["ad_id"], row["date_start"]) for row in rows} == {(row["id"], row["day"]) for row in true}
    assert all({"campaign_id", "age", "gender", "date_start", "spend"} <= set(row) for row in rows)
    return recorder.answered


def test_deleted_ads_that_are_too_much_at_once_are_read_by_their_ids(tmp_path: Path) -> None:
    answered = read(tmp_path, 60 * FIELDS)

    # The ids alone are requested once per day; the rest, other than the ids that are then known, is requested too.
    assert answered["rest", 1] == answered["rest", FIELDS] == len(DAYS)
    assert {fields for kind, fields in answered if kind == "ids"} == {FIELDS}


def test_an_ad_that_is_too_much_at_once_is_read_by_fields(tmp_path: Path) -> None:
    answered = read(tmp_path, 225)

    # Six fields are in every request; the other seven are split into three and four.
    assert answered["ids", 9] == answered["ids", 10] > 0
    assert answered["rest", FIELDS] == len(DAYS)
