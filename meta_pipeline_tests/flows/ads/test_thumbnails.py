"""Thumbnails: downloaded once, while their addresses are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.account import NODE
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.graph.http.download import Picture, UnreachableError
from meta_pipeline_tests.fakes.listed_account import DAY, ListedAccount


def test_a_kill_between_pictures_and_creatives_loses_no_picture(listed: ListedAccount) -> None:
    run = listings.land_entities(NODE, context=listed.context, listing_policy=listed.policy)
    assert [next(run).report for _ in range(6)][-1] == "thumbnails"
    run.close()  # type: ignore[attr-defined]
    listed.land()

    assert len(listed.pictures.fetched) == 2 and listed.landed("creatives").keys() == listed.landed("thumbnails").keys()


def test_a_thumbnail_is_downloaded_once_and_a_dead_address_is_recorded_and_tried_again(listed: ListedAccount) -> None:
    listed.pictures.dead.add("https://cdn.example/8.jpg?oh=1")
    listed.land()
    rows = listed.landed("thumbnails")
    assert rows["8"]["error"] == "the picture's URL answered HTTP 403" and "sha256" not in rows["8"]
    picture = Path(listed.landing.root) / rows["9"]["path"]
    assert picture.read_bytes() == b"https://cdn.example/9.jpg" and picture.name == f"{rows['9']['sha256']}.jpg"

    # A sweep reads all creatives again, with newly signed addresses: only the missing picture is fetched.
    for id in ("8", "9"):
        listed.account.things[id]["thumbnail_url"] = f"https://cdn2.example/{id}.jpg?oh=2"
    listed.clock.sleep(7 * DAY.total_seconds())
    listed.pictures.fetched.clear()
    listed.land()
    assert listed.pictures.fetched == ["https://cdn2.example/8.jpg?oh=2"]
    assert "error" not in listed.landed("thumbnails")["8"]
    assert len(listed.history("creatives")) == 2

    listed.clock.sleep(7 * DAY.total_seconds())
    listed.account.change("9", image_hash="another", thumbnail_url="https://cdn.example/other.jpg?oh=3")
    listed.pictures.fetched.clear()
    listed.land()
    assert listed.pictures.fetched == ["https://cdn.example/other.jpg?oh=3"]
    listed.clock.sleep(7 * DAY.total_seconds())
    listed.account.change("9", image_hash="third")
    listed.land(downloads=None)
    assert len(listed.pictures.fetched) == 1 and listed.landed("thumbnails").keys() == {"8", "9"}


def test_downloads_stop_when_the_pictures_server_is_unreachable(listed: ListedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(100):
        listed.account.add("creative", f"c{at}", thumbnail_url=f"https://cdn.example/c{at}.jpg")
        listed.account.add("ad", f"a{at}", campaign_id="1", adset_id="2", creative={"id": f"c{at}"})

    def picture(url: str) -> Picture:
        listed.pictures.fetched.append(url)
        raise UnreachableError("the picture could not be fetched (ConnectTimeout)")

    monkeypatch.setattr(listed.pictures, "picture", picture)
    listed.land()
    assert len(listed.pictures.fetched) <= listings.MOST_UNANSWERED + listings.DOWNLOADS_AT_ONCE
    assert all("error" in row for row in listed.landed("thumbnails").values()) and len(listed.landed("thumbnails")) == 102
