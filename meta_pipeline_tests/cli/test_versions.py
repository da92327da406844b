"""`versions`: the pins, Meta's warnings about them, and the canary."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from harness.frozen_clock import FrozenRuntime
from harness.home import Home
from meta_pipeline.cli.catalogue import versions
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.graph.versions import Calendar
from meta_pipeline.store.connections.node_links import list_links


def test_versions_prints_the_pins_and_the_warnings_in_metas_responses(home: Home) -> None:
    home.environment["META_PIPELINE_MARKETING_VERSION"] = "v24.0"
    assert home.run("connect", "--no-browser").returncode == 0  # the sandbox answers v24.0 as v25.0, with a warning
    completed = home.run("versions", "--json")
    printed = json.loads(completed.stdout)

    assert completed.returncode == 1
    assert "ended" in printed["pins"][1]["trouble"] and printed["pins"][1]["next"] == "v25.0"
    assert any("v24.0 was answered as v25.0" in line and "auto-upgraded" in line for line in printed["seen"])
    assert "answered as v25.0" in home.run("doctor").stdout


def test_a_canary_pulls_the_next_version_and_says_what_differs(home: Home) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    assert "v27.0" in home.run("versions").stdout  # it fails on days on which a version in use has ended
    ran = home.run("versions", "canary", "--format", "json")

    assert ran.returncode == 0, ran.stderr
    assert "all versions return the same fields and values" in ran.stderr and json.loads(ran.stdout) == []
    refused = home.run("versions", "canary", "--version", "v99.0")
    assert refused.returncode == 1 and "Traceback" not in refused.stderr and "v99.0" in refused.stderr


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FrozenRuntime, Any, list[tuple[str, str]]]:
    """Return a connected home, its runtime as `canary` uses it, and the version and range of every insights request."""
    frozen, pulls = FrozenRuntime(tmp_path), list[tuple[str, str]]()
    frozen.clock.at = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)  # the day before in America, the same in Asia
    frozen.onboard(frozen.mint("SYSTEM_USER"))
    answer = frozen.graph.answer

    def recorded(request: Any) -> Any:
        if request.path.endswith("/insights"):
            pulls.append((request.version, request.params["time_range"]))
        return answer(request)

    monkeypatch.setattr(frozen.graph, "answer", recorded)
    runtime = SimpleNamespace(
        settings=SimpleNamespace(marketing_version="v26.0"), versions=Calendar(), engine=frozen.engine,
        vault=frozen.vault, graph=frozen.client, catalogue=REPORTS, default_reports=lambda kind: ("account_insights",), now=frozen.clock.now,
    )
    return frozen, runtime, pulls


def test_a_canary_pulls_yesterday_on_the_accounts_own_calendar_on_every_later_version(pulled: Any) -> None:
    frozen, runtime, pulls = pulled
    accounts = {link.timezone: link.id for link in list_links(frozen.engine) if link.kind == "ad_account" and link.timezone}
    assert len(accounts) > 1
    for zone, node_id in accounts.items():
        pulls.clear()
        assert list(versions.compare_versions(runtime, version=None, node_id=node_id)) == []
        local = frozen.clock.now().astimezone(ZoneInfo(zone)).date()
        day = str(local - dt.timedelta(days=1))
        assert pulls == [(version, f'{{"since":"{day}","until":"{day}"}}') for version in ("v26.0", "v27.0")]

    runtime.settings.marketing_version = "v25.0"
    pulls.clear()
    list(versions.compare_versions(runtime, version=None, node_id=node_id))
    assert [version for version, _ in pulls] == ["v25.0", "v26.0", "v27.0"]


def test_a_canary_shows_the_field_that_a_version_changes(pulled: Any) -> None:
    frozen, runtime, _ = pulled
    frozen.graph.world.options.configure({"drift": ["new_field"], "drift_from": "v27.0"})
    runtime.settings.marketing_version = "v25.0"
    rows = [row for link in list_links(frozen.engine) if link.kind == "ad_account"
            for row in versions.compare_versions(runtime, version=None, node_id=link.id)]

    assert rows and {"v27.0"} == {row["version"] for row in rows}
    assert all(row["pinned"] == "absent" and row["other"] != "absent" for row in rows)


def test_a_canary_shows_the_value_that_a_version_changes(pulled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen, runtime, _ = pulled
    answer = frozen.graph.answer

    def with_other_impressions(request: Any) -> Any:
        response = answer(request)
        if not request.path.endswith("/insights") or request.version != "v27.0":
            return response
        body = json.loads(response.content)
        body["data"] = [{**row, "impressions": "7"} for row in body["data"]]
        return dataclasses.replace(response, raw=json.dumps(body).encode())

    monkeypatch.setattr(frozen.graph, "answer", with_other_impressions)
    rows = [row for link in list_links(frozen.engine) if link.kind == "ad_account"
            for row in versions.compare_versions(runtime, version=None, node_id=link.id)]

    assert rows and {("impressions", "7")} == {(row["field"], row["other"]) for row in rows}
    assert all(row["pinned"].isdecimal() for row in rows)


def test_the_end_of_a_pin_is_described(pulled: Any) -> None:
    _, runtime, _ = pulled
    runtime.settings.pins = {"graph": "v24.0", "marketing": "v26.0"}

    assert [row["end"] for row in versions.list_pins(runtime)] == ["usable until 2028-02-18", "its end is not announced"]
    assert versions.describe_pin(runtime, "marketing", "v26.0", dt.date(2026, 11, 27)) == "v26.0, its end is not announced"
