"""Listings that fail: what landed before stays, and the other listings land."""

from __future__ import annotations

from typing import Any

import pytest

from harness.account import NODE
from meta_pipeline.entity_kinds import EntityKind
from meta_pipeline.extract.ads.listings import entities
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.flows.pulling.ads.listings import ListingsError
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.records import SNAPSHOT_DAY
from meta_pipeline.status import forecast
from meta_pipeline.store.landed import ledger, read_times
from meta_pipeline_tests.fakes.listed_account import DAY, KINDS, ListedAccount


def test_a_listing_lands_whole_or_not_at_all(listed: ListedAccount) -> None:
    listed.land(page=2)
    before = listed.landed("ads")
    listed.account.change("3", name="new")
    listed.clock.sleep(8 * DAY.total_seconds())
    listed.account.broken["5"] = (100, "(#100) no")  # on the second page of the ads
    with pytest.raises(ListingsError, match=r"ads: .*; the other listings landed"):
        listed.land(page=2)

    assert listed.landed("ads") == before
    listed.account.broken.clear()
    assert not any("?" in call for call in listed.land(page=2)[3:])  # the sweep is still due
    assert listed.landed("ads")["3"]["name"] == "new"


def test_a_limit_before_the_creatives_leaves_them_to_the_next_run(listed: ListedAccount) -> None:
    listed.account.broken_paths[f"{NODE}/adcreatives"] = (17, "limit")
    with pytest.raises(ThrottledError):
        listed.land()
    assert ledger.find(listed.engine, report=KINDS[-1], node_id=NODE, day=SNAPSHOT_DAY) is None
    assert forecast.are_entities_stale(listed.engine, NODE, now=listed.clock.now())
    listed.account.broken_paths.clear()
    listed.land()
    assert not forecast.are_entities_stale(listed.engine, NODE, now=listed.clock.now())


NO_FIELD = (100, "(#100) Tried accessing nonexisting field (x)")


@pytest.mark.parametrize(("failing", "path", "error"), [
    ("accounts", NODE, NO_FIELD), ("campaigns", f"{NODE}/campaigns", NO_FIELD), ("ad_sets", f"{NODE}/adsets", NO_FIELD),
    ("ads", f"{NODE}/ads", NO_FIELD), ("accounts", NODE, (200, "no")), ("campaigns", f"{NODE}/campaigns", (1, "unknown")),
    ("ads", f"{NODE}/ads", (1, "Please reduce the amount of data")), ("creatives", f"{NODE}/adcreatives", (200, "no")),
])
def test_one_failing_listing_ends_no_other(listed: ListedAccount, failing: str, path: str, error: tuple[int, str]) -> None:
    listed.land()
    before = read_times.last_read(listed.engine, report=failing, node_id=NODE, day=SNAPSHOT_DAY)
    listed.clock.sleep(8 * DAY.total_seconds())
    listed.account.broken_paths[path] = error
    landed = []
    with pytest.raises(ListingsError, match=f"^{failing}: .*; the other listings landed"):
        for file in listings.land_entities(NODE, context=listed.context, listing_policy=listed.policy):
            landed.append(file.report)

    assert [kind for kind in KINDS if kind != failing and (failing, kind) != ("creatives", "thumbnails")] == landed
    assert before == read_times.last_read(listed.engine, report=failing, node_id=NODE, day=SNAPSHOT_DAY)


def test_an_unexpected_error_in_one_listing_is_reported_and_ends_no_other(
    listed: ListedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = entities.refresh

    def refresh(kind: EntityKind, *arguments: Any, **more: Any) -> Any:
        if kind.name == "campaigns":
            raise KeyError("surprise")
        return original(kind, *arguments, **more)

    monkeypatch.setattr(entities, "refresh", refresh)
    landed = []
    with pytest.raises(ListingsError, match=r"campaigns: an unexpected KeyError at test_listings_failures.py:\d+ .*defect"):
        for file in listings.land_entities(NODE, context=listed.context, listing_policy=listed.policy):
            landed.append(file.report)
    assert [kind for kind in KINDS if kind != "campaigns"] == landed


def test_without_a_listing_of_ads_no_empty_listing_of_creatives_lands(listed: ListedAccount) -> None:
    listed.account.broken_paths[f"{NODE}/ads"] = (100, "(#100) no")
    with pytest.raises(ListingsError, match="creatives: no listing of the ads"):
        list(listings.land_entities(NODE, context=listed.context, listing_policy=listed.policy))

    assert ledger.find(listed.engine, report="creatives", node_id=NODE, day=SNAPSHOT_DAY) is None
    assert not listings.have_landed(listed.engine, NODE, backfill_id="b")
    listed.account.broken_paths.clear()
    listed.land()
    assert listings.have_landed(listed.engine, NODE, backfill_id="b")


def test_a_listing_whose_page_is_too_much_shrinks_it_and_stores_the_size(listed: ListedAccount) -> None:
    for number in range(120):
        listed.account.add("campaign", str(1000 + number))
    original = listed.account._page

    def page(kind: str, params: dict[str, str]) -> Any:
        if kind == "campaign" and int(params["limit"]) > 60:
            return listed.account._error(1, "Please reduce the amount of data you're asking for")
        return original(kind, params)

    listed.account._page = page  # type: ignore[method-assign]
    assert listed.land().count(f"{NODE}/campaigns") == 7  # 500, 250, 125 refused, 62 too; four pages of 31
    assert len(listed.landed("campaigns")) == 121
    listed.clock.sleep(8 * DAY.total_seconds())
    assert listed.land().count(f"{NODE}/campaigns") <= 5
