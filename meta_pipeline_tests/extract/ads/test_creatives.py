"""Creatives that Meta can't return become rows with an error, and all others are read."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.account import NODE, SmallAccount
from harness.frozen_clock import FrozenClock
from meta_pipeline.extract.ads.listings import creatives
from meta_pipeline.extract.ads.listings.creatives import LARGEST_PAGE, SMALLEST_PAGE, ById, CreativeScan, Page
from meta_pipeline.extract.stored_listing import index_rows
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import RequestError, ThrottledError, TooMuchDataError, TransientError
from meta_pipeline.graph.retry import TRIES
from meta_pipeline.records import AccessToken, Batch

TOKEN = AccessToken(kind="user", value="EAA")
TROUBLE = [(100, "(#100) something about one"), (1, "Please reduce the amount of data"), (2, "Service down")]


def client(account: SmallAccount) -> GraphClient:
    return GraphClient(
        graph_url="http://graph", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
        audit=lambda event: None, sleep=account.clock.sleep, now=account.clock.now, adapter=account,
    )


def read(account: SmallAccount, wanted: set[str]) -> dict[str, dict[str, Any]]:
    rows = [json.loads(record) for record, _ in creatives.read_creatives(NODE, wanted, graph=client(account), token=TOKEN)]
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"]: row for row in rows}


@given(st.data())
@settings(max_examples=60)
def test_good_creatives_are_read_and_bad_ones_are_rows_with_an_error(data: st.DataObject) -> None:
    library = data.draw(st.integers(0, 400))
    account = SmallAccount(FrozenClock())
    ids = [f"c{at}" for at in range(library)]
    for id in ids:
        account.add("creative", id)
    bad = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(TROUBLE), max_size=8)) if ids else {}
    missing = {f"gone{at}" for at in range(data.draw(st.integers(0, 3)))}
    wanted = {id for id in ids if data.draw(st.booleans())} if library < 40 else set(ids[:: data.draw(st.integers(1, 9))])
    account.broken = bad
    rows = read(account, wanted | missing)

    assert rows.keys() == wanted | missing
    assert {id for id, row in rows.items() if "error" in row} == (bad.keys() & wanted) | missing
    # A bad creative costs a few halvings with their retries, a page of ids, a few reads by id, and the pages until the
    # size has grown again, however many others there are.
    steps = math.ceil(math.log2(LARGEST_PAGE / SMALLEST_PAGE)) + 1
    each = steps * TRIES + 1 + SMALLEST_PAGE + TRIES + steps
    assert len(account.calls) <= library / LARGEST_PAGE + 3 + each * len(bad) + 2 * len(missing)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_creative_for_which_a_page_of_ids_fails_too_is_a_row_with_an_error(trouble: tuple[int, str]) -> None:
    account = SmallAccount(FrozenClock())
    for at in range(120):
        account.add("creative", f"c{at}")
    account.broken, account.broken_whole = {"c70": trouble}, {"c70"}
    rows = read(account, {f"c{at}" for at in range(120)})

    assert {id for id, row in rows.items() if "error" in row} == {"c70"} and len(rows) == 120


def test_one_bad_creative_among_many_costs_few_calls() -> None:
    account = SmallAccount(FrozenClock())
    for at in range(1000):
        account.add("creative", f"c{at}")
    account.broken = {"c4": (100, "(#100) incomplete")}

    assert len(read(account, {f"c{at}" for at in range(1000)})) == 1000
    assert len(account.calls) <= 30


def test_heavy_creatives_are_read_in_smaller_pages() -> None:
    account = SmallAccount(FrozenClock())
    for at in range(250):
        account.add("creative", f"c{at}")
    account.heaviest = 30

    assert not any("error" in row for row in read(account, {f"c{at}" for at in range(250)}).values())
    assert len(account.calls) == 2 + 10


def test_few_creatives_of_a_large_library_are_read_by_id() -> None:
    account = SmallAccount(FrozenClock())
    for at in range(5000):
        account.add("creative", f"c{at}")

    assert len(read(account, {"c4100", "c4500", "c4900"})) == 3
    assert len(account.calls) <= 2 * 3
    account.calls.clear()
    assert len(read(account, {f"c{at}" for at in range(900)})) == 900
    assert len(account.calls) == 9


def test_one_creative_costs_one_operation_and_none_costs_nothing() -> None:
    account = SmallAccount(FrozenClock())
    account.add("creative", "c1")

    assert read(account, set()) == {} and account.calls == []
    assert read(account, {"c1"})["c1"]["name"] == "creative c1" and account.calls == ["c1"]


@pytest.mark.parametrize("code", [17, 190, 200])
def test_an_error_that_concerns_no_single_creative_ends_the_listing(code: int) -> None:
    account = SmallAccount(FrozenClock())
    for at in range(9):
        account.add("creative", f"c{at}")
    account.broken_paths = {f"{NODE}/adcreatives": (code, "no")}

    with pytest.raises(Exception, match=str(code)):
        read(account, {f"c{at}" for at in range(9)})


def test_a_scan_halves_its_pages_and_then_reads_by_id() -> None:
    scan = CreativeScan(frozenset("abcdef"))
    assert scan.next_step() == Page(100, None)
    limits = []
    while isinstance(step := scan.next_step(), Page):
        limits.append(step.limit)
        scan = scan.after_error(TooMuchDataError(""))

    assert limits == [100, 50, 25, 12, 6, 6]
    assert step == ById(tuple("abcdef"))
    assert CreativeScan(frozenset("abc")).after_error(TransientError("", code=2)).limit == SMALLEST_PAGE
    assert creatives.may_concern_one_creative(TransientError("", code=2)) and not creatives.may_concern_one_creative(TransientError("no answer"))
    assert not creatives.may_concern_one_creative(ThrottledError("", code=17)) and not creatives.may_concern_one_creative(RequestError("", code=100))


def test_new_and_due_creatives_are_read_and_recent_errors_are_not() -> None:
    now, week = dt.datetime(2026, 11, 20, tzinfo=dt.UTC), dt.timedelta(days=7)

    def row(id: str, age: int, **more: str) -> tuple[bytes, Batch]:
        return json.dumps({"id": id, **more}).encode(), Batch(
            records=(), trace_id=None, version="v26.0", fetched_at=now - dt.timedelta(days=age),
        )

    stored = index_rows([row("good", 1), row("bad", 1, error="x"), row("long bad", 8, error="x"),
                    row("deleted", 9, status="DELETED")])
    referenced = {*stored, "new"}

    assert creatives.ids_to_read(referenced, stored, is_due=False, now=now, sweep=week) == {"new", "long bad"}
    assert creatives.ids_to_read(referenced, stored, is_due=True, now=now, sweep=week) == {"new", "long bad", "good"}
    ads = [b'{"id":"1","creative":{"id":"c"}}', b'{"id":"2"}', b'{"id":"3","error":"x"}', b'{"id":"4","creative":null}']
    assert creatives.referenced_ids(ads) == {"c"}
