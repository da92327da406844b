"""`doctor`: how the daily work goes, and what is gone since it ran last."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
from pathlib import Path

import pytest

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli import lost, running
from meta_pipeline.cli.findings import Finding
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.records import AccessToken, LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store import backfills, budgets, ledger
from meta_pipeline.store.processes import identity
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path, vault_keys=new_key(), app_id="1", app_secret="s", _env_file=None))


def connected(home: Runtime) -> str:
    ref = home.vault.keep(
        AccessToken("user", "EAAB"), subject_id="1", subject_name="Sam", scopes=("ads_read",), expires_at=None,
        data_access_expires_at=None,
    )
    link(home, ref.id)
    return ref.id


def link(home: Runtime, ref: str, *, ids: tuple[str, ...] = ("act_1", "act_2"), owner: str | None = "Agency") -> None:
    found = [NodeLink("ad_account", id, f"Name {id}", "owned", owner, (), "Etc/UTC", "USD", ref) for id in ids]
    links.save(home.engine, Discovery(tuple(found)), through=ref, now=NOW)


def landed(home: Runtime, at: dt.datetime, *, days: int = 1, node: str = "act_1") -> None:
    for report in home.read_by_default:
        ledger.note(
            home.engine,
            *(LandedFile(report, node, at.date() - dt.timedelta(days=1 + back), "p", 1, "d", at) for back in range(days)),
            backfill_id=None,
        )


def check(home: Runtime, name: str, *, now: dt.datetime = NOW) -> Finding:
    (found,) = [one for one in running.examine(home, now=now) if one.name == name]
    return found


def test_a_home_where_nothing_ran_yet(home: Runtime):
    found = {one.name: one for one in running.examine(home, now=NOW)}

    assert {name for name, one in found.items() if not one.is_good} == {"last pull", "last build", "published warehouse"}
    assert all("meta-pipeline" in one.told for one in found.values() if not one.is_good)


def test_whether_up_runs(home: Runtime):
    file = home.settings.root / "dagster" / "up.processes"
    file.parent.mkdir(parents=True)
    assert "not running" in check(home, "up").told
    file.write_text(f"{identity()}\n")
    assert check(home, "up") == Finding("up", True, f"is running (process {os.getpid()})")
    host, _, started = identity().rsplit(":", 2)
    file.write_text(f"{host}:999999:{started}\n")
    assert not check(home, "up").is_good and "killed" in check(home, "up").told
    file.write_text("half a li")
    assert not check(home, "up").is_good


def test_the_last_pull_has_an_age_and_a_remedy_when_it_is_old(home: Runtime):
    landed(home, NOW - 3 * HOUR)
    assert check(home, "last pull").told == "2026-11-27 06:00 UTC, 3 hours ago; 1 account in the landing"
    old = check(home, "last pull", now=NOW + 47 * HOUR)
    assert not old.is_good and "2 days ago" in old.told and "meta-pipeline up" in old.told


def test_files_that_wait_for_a_build(home: Runtime):
    landed(home, NOW - HOUR / 2)
    assert check(home, "landed files").is_good
    late = check(home, "landed files", now=NOW + 2 * HOUR)
    assert not late.is_good and late.told.startswith("10 files not in the warehouse yet")
    assert "meta-pipeline build" in late.told


@pytest.mark.parametrize(
    ("text", "is_good", "sentence"),
    [
        ('{"metadata": {"generated_at": "2026-11-27T08:00:00Z"}, "results": [{"status": "warn", "unique_id": "a"}]}',
         True, "2026-11-27 08:00 UTC, 1 hour ago"),
        ('{"metadata": {"generated_at": "2026-11-27T08:00:00Z"}, "results": [{"status": "error", "unique_id": "a"}]}',
         False, "1 model or test failed (a)"),
        ("half a fi", False, "meta-pipeline build"),
    ],
)
def test_the_last_build(home: Runtime, text: str, is_good: bool, sentence: str):
    file = home.settings.root / "dbt" / "target" / "run_results.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    found = check(home, "last build")
    assert found.is_good is is_good and sentence in found.told


def test_the_published_file_has_a_size_and_an_age(home: Runtime):
    file = home.settings.published_file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 1_500_000)
    os.utime(file, (NOW.timestamp() - 7200,) * 2)

    assert check(home, "published warehouse").told == f"{file}, 1.5 MB, 2026-11-27 07:00 UTC, 2 hours ago"


def test_failed_backfills_until_the_same_one_succeeds(home: Runtime):
    arguments = {"since": "2026-11-01", "until": "2026-11-02", "nodes": ["act_1"], "reports": ["ad_insights"]}
    id, _ = backfills.begin(home.engine, arguments, fresh=False, now=NOW)
    backfills.end(home.engine, id, status="failed", now=NOW)
    failed = check(home, "backfill", now=NOW + HOUR)
    assert not failed.is_good and "2026-11-01 to 2026-11-02" in failed.told
    again, is_resumed = backfills.begin(home.engine, arguments, fresh=False, now=NOW + HOUR)
    backfills.end(home.engine, again, status="done", now=NOW + HOUR)

    assert is_resumed and not [one for one in running.examine(home, now=NOW + HOUR) if one.name == "backfill"]


def test_days_that_were_due_and_not_read(home: Runtime):
    connected(home)
    landed(home, NOW, days=28, node="act_1")
    landed(home, NOW, days=28, node="act_2")
    assert check(home, "overdue days").told == "none"
    late = check(home, "overdue days", now=NOW + 72 * HOUR)
    assert late.is_good and "act_1, act_2 overdue" in late.told  # nobody promised to read them
    file = home.settings.root / "dagster" / "up.processes"
    file.parent.mkdir(parents=True)
    file.write_text(identity())

    assert not check(home, "overdue days", now=NOW + 72 * HOUR).is_good


def test_the_budget_in_use_and_a_closed_limit(home: Runtime):
    row = {
        "window_s": 3600.0, "percent": 50.0, "read_at": NOW, "low_at": None, "answers": 1, "cost_percent": 1.0,
        "slowness": 0, "blocked_until": None, "block_s": 0.0,
    }
    with home.engine.begin() as connection:
        budgets.locked(connection, {"app:1/act_1/ads_insights": row, "app:1/platform": {**row, "percent": 7.0}})
    assert check(home, "budget") == Finding("budget", True, "at most 50 % of a limit in use (act_1 ads_insights)")
    with home.engine.begin() as connection:
        budgets.save(connection, {"app:1/platform": {**row, "blocked_until": NOW + HOUR}})

    assert "app platform closed until 2026-11-27 10:00 UTC" in check(home, "budget").told


def test_too_little_disk_for_a_publication(home: Runtime, monkeypatch: pytest.MonkeyPatch):
    usage = dataclasses.make_dataclass("Usage", ["free"])
    monkeypatch.setattr(running.shutil, "disk_usage", lambda path: usage(5_000_000))

    assert not check(home, "disk").is_good and check(home, "disk").told.startswith("5.0 MB free")


def test_what_was_lost_since_the_last_run_is_told_once(home: Runtime):
    ref = connected(home)
    first, second = ([one.told for one in lost.examine(home, now=NOW)] for _ in range(2))
    assert "first run" in first[0] and second == ["nothing (2026-11-27 09:00 UTC, just now)"]

    link(home, ref, ids=("act_1",), owner=None)
    found = list(lost.examine(home, now=NOW + HOUR))
    assert [one.is_good for one in found] == [False, False]
    assert "1 node can no longer be read (Name act_2)" in found[0].told
    assert "the owner of 1 node is no longer known (Name act_1)" in found[1].told and "business_management" in found[1].told

    home.vault.retire(ref, "the password has changed", subcode=460)
    told = [one.told for one in lost.examine(home, now=NOW + HOUR)]
    assert "the 1 token of Sam is dead or gone" in told[0] and "1 node" in told[1]
    assert [one.is_good for one in lost.examine(home, now=NOW + HOUR)] == [True]
    summary = home.settings.root / "doctor.json"
    assert summary.stat().st_mode & 0o777 == 0o600 and "EAAB" not in summary.read_text()


def test_a_summary_that_can_not_be_read_is_begun_anew(home: Runtime):
    connected(home)
    (home.settings.root / "doctor.json").write_text(json.dumps({"at": "yesterday"}))

    assert [one.is_good for one in lost.examine(home, now=NOW)] == [True]
