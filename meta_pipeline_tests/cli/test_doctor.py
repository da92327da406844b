"""`doctor`: the state of the daily work, and the access that was lost since its last run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.commands.connections import tokens as connections
from meta_pipeline.cli.doctor import checks, daily_work, lost_access
from meta_pipeline.cli.doctor.check_result import CheckResult
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import AccessToken, LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import unread_edges
from meta_pipeline.store.connections.unread_edges import UnreadEdge
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.gateway import budgets
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import backfills
from meta_pipeline.vault.seal import new_key
from meta_pipeline_tests.fakes.failed_checks import DOUBLED, publish_failures

NOW = dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path, vault_keys=new_key(), app_id="1", app_secret="s", _env_file=None))


def connected(runtime: Runtime) -> str:
    ref = runtime.vault.keep(
        AccessToken(
            kind="user", value="EAAB",
        ), subject_id="1", subject_name="Sam", scopes=("ads_read",), expires_at=None,
        data_access_expires_at=None,
    )
    link(runtime, ref.id)
    return ref.id


def link(runtime: Runtime, ref: str, *, ids: tuple[str, ...] = ("act_1", "act_2"), owner: str | None = "Agency") -> None:
    accounts = [NodeLink(
        kind="ad_account", id=id, name=f"Name {id}", access="owned", owner_business=owner, tasks=(),
        timezone="Etc/UTC", currency="USD", token_ref=ref,
    ) for id in ids]
    links.save(runtime.engine, Discovery(tuple(accounts)), through=ref, now=NOW)


def landed(runtime: Runtime, at: dt.datetime, *, days: int = 1, node: str = "act_1") -> None:
    for report in runtime.default_reports(AD_ACCOUNT):
        ledger.record(
            runtime.engine,
            *(LandedFile(
                report=report, node_id=node, day=at.date() - dt.timedelta(days=1 + back), path="p", rows=1,
                digest="d", landed_at=at,
            ) for back in range(days)),
            backfill_id=None,
        )


def test_links_and_doctor_say_what_the_last_discovery_could_not_read(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref_id = connected(runtime)
    edge = UnreadEdge(path="me/accounts", kinds=("page",), reason="(2) Service unavailable", is_refused=False)
    unread_edges.replace(runtime.engine, ref_id, [edge], now=NOW)
    monkeypatch.setattr("meta_pipeline.bootstrap.process_runtime", lambda: runtime)
    shown = CliRunner().invoke(connections.links, ["--json"])
    sentence = "may be incomplete: with the token of Sam: me/accounts was not read: (2) Service unavailable"

    assert shown.exit_code == 0 and len(json.loads(shown.stdout)) == 2 and shown.stderr == f"{sentence}\n"
    results = [result for result in checks.run_checks(runtime) if result.name == "links"]
    assert [(result.is_ok, result.message) for result in results] == [(True, "2 nodes"), (False, sentence)]


def check(runtime: Runtime, name: str, *, now: dt.datetime = NOW) -> CheckResult:
    (result,) = [result for result in daily_work.check_daily_work(runtime, now=now) if result.name == name]
    return result


def test_in_a_new_home_only_pull_build_and_publication_fail(runtime: Runtime) -> None:
    failed = {result.name: result for result in daily_work.check_daily_work(runtime, now=NOW) if not result.is_ok}

    assert set(failed) == {"last pull", "last build", "published warehouse"}
    assert all("meta-pipeline" in result.message for result in failed.values())


def test_a_check_reports_whether_up_runs(runtime: Runtime) -> None:
    file = runtime.settings.root / "dagster" / "up.processes"
    file.parent.mkdir(parents=True)
    assert "not running" in check(runtime, "up").message
    file.write_text(f"{identity()}\n")
    assert check(runtime, "up") == CheckResult("up", True, f"is running (process {os.getpid()})")
    host, _, started = identity().rsplit(":", 2)
    file.write_text(f"{host}:999999:{started}\n")
    assert not check(runtime, "up").is_ok and "killed" in check(runtime, "up").message
    file.write_text("half a li")
    assert not check(runtime, "up").is_ok


def test_the_last_pull_has_an_age_and_a_remedy_when_it_is_old(runtime: Runtime) -> None:
    landed(runtime, NOW - 3 * HOUR)
    assert check(runtime, "last pull").message == "2026-11-27 06:00 UTC, 3 hours ago; 1 node in the landing"
    old = check(runtime, "last pull", now=NOW + 47 * HOUR)
    assert not old.is_ok and "2 days ago" in old.message and "meta-pipeline up" in old.message


def test_files_that_wait_too_long_for_a_build_are_a_failed_check(runtime: Runtime) -> None:
    landed(runtime, NOW - HOUR / 2)
    assert check(runtime, "landed files").is_ok
    late = check(runtime, "landed files", now=NOW + 2 * HOUR)
    assert not late.is_ok and late.message.startswith("11 files not in the warehouse yet")
    assert "meta-pipeline build" in late.message


def test_a_warehouse_file_that_is_no_database_is_named_with_the_command_that_repairs_it(runtime: Runtime) -> None:
    file = runtime.settings.warehouse_file
    assert check(runtime, "landed files").is_ok  # before the first load
    with duckdb.connect(str(file)):
        pass
    assert check(runtime, "landed files").is_ok
    file.write_bytes(b"garbage" * 1000)
    damaged = check(runtime, "landed files")

    assert not damaged.is_ok and str(file) in damaged.message and "meta-pipeline rebuild" in damaged.message


def test_a_warehouse_that_another_process_writes_is_not_damaged(runtime: Runtime) -> None:
    file = runtime.settings.warehouse_file
    assert check(runtime, "landed files").is_ok  # before the first load
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout and writer.stdout.readline() == "open\n"
        assert check(runtime, "landed files").is_ok
        writer.communicate()


@pytest.mark.parametrize(
    ("text", "is_ok", "sentence"),
    [
        ('{"metadata": {"generated_at": "2026-11-27T08:00:00Z"}, "results": [{"status": "warn", "unique_id": "a"}]}',
         True, "2026-11-27 08:00 UTC, 1 hour ago"),
        ('{"metadata": {"generated_at": "2026-11-27T08:00:00Z"}, "results": [{"status": "error", "unique_id": "a"}]}',
         False, "1 model or test failed (a)"),
        ("half a fi", False, "meta-pipeline build"),
    ],
)
def test_the_last_build_has_an_age_and_its_failures(runtime: Runtime, text: str, is_ok: bool, sentence: str) -> None:
    file = runtime.settings.root / "dbt" / "target" / "run_results.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    result = check(runtime, "last build")
    assert result.is_ok is is_ok and sentence in result.message


def test_the_published_file_has_a_size_and_an_age(runtime: Runtime) -> None:
    file = Path(runtime.settings.published_file)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 1_500_000)
    os.utime(file, (NOW.timestamp() - 7200,) * 2)

    assert check(runtime, "published warehouse").message == f"{file}, 1.5 MB, 2026-11-27 07:00 UTC, 2 hours ago"


def test_a_failed_backfill_is_reported_until_the_same_one_succeeds(runtime: Runtime) -> None:
    arguments = {"since": "2026-11-01", "until": "2026-11-02", "nodes": ["act_1"], "reports": ["ad_insights"]}
    id, _ = backfills.start(runtime.engine, arguments, fresh=False, now=NOW)
    backfills.finish(runtime.engine, id, status="failed", now=NOW)
    failed = check(runtime, "backfill", now=NOW + HOUR)
    assert not failed.is_ok and "2026-11-01 to 2026-11-02" in failed.message
    again, is_resumed = backfills.start(runtime.engine, arguments, fresh=False, now=NOW + HOUR)
    backfills.finish(runtime.engine, again, status="done", now=NOW + HOUR)

    names = {result.name for result in daily_work.check_daily_work(runtime, now=NOW + HOUR)}
    assert is_resumed and "backfill" not in names


def test_days_that_were_due_and_not_read_are_a_failed_check(runtime: Runtime) -> None:
    connected(runtime)
    landed(runtime, NOW, days=28, node="act_1")
    landed(runtime, NOW, days=28, node="act_2")
    assert check(runtime, "overdue days").message == "none"
    overdue = check(runtime, "overdue days", now=NOW + 72 * HOUR)
    assert not overdue.is_ok and "act_1, act_2 overdue" in overdue.message and "meta-pipeline up" in overdue.message
    file = runtime.settings.root / "dagster" / "up.processes"
    file.parent.mkdir(parents=True)
    file.write_text(identity())

    overdue = check(runtime, "overdue days", now=NOW + 72 * HOUR)
    assert not overdue.is_ok and "Dagster UI" in overdue.message


def test_days_that_a_new_home_has_never_read_are_not_overdue(runtime: Runtime) -> None:
    connected(runtime)
    assert check(runtime, "overdue days").message == "none"
    landed(runtime, NOW, days=7, node="act_1")

    assert check(runtime, "overdue days").message == "none"
    overdue = check(runtime, "overdue days", now=NOW + 72 * HOUR)
    assert not overdue.is_ok and "of act_1 overdue" in overdue.message


def test_the_budget_in_use_and_a_closed_limit_are_reported(runtime: Runtime) -> None:
    row = {
        "window_s": 3600.0, "percent": 50.0, "read_at": NOW, "low_at": None, "answers": 1, "cost_percent": 1.0,
        "slowness": 0, "blocked_until": None, "block_s": 0.0,
    }
    with runtime.engine.begin() as connection:
        budgets.read_locked(connection, {"app:1/act_1/ads_insights": row, "app:1/platform": {**row, "percent": 7.0}})
    assert check(runtime, "budget") == CheckResult("budget", True, "at most 50 % of a limit in use (act_1 ads_insights)")
    with runtime.engine.begin() as connection:
        budgets.save(connection, {"app:1/platform": {**row, "blocked_until": NOW + HOUR}})

    assert "app platform closed until 2026-11-27 10:00 UTC" in check(runtime, "budget").message


def test_too_little_disk_space_for_a_publication_is_a_failed_check(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = dataclasses.make_dataclass("Usage", ["free"])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(5_000_000))

    assert not check(runtime, "disk").is_ok and check(runtime, "disk").message.startswith("5.0 MB free")


def test_an_account_whose_rows_fail_a_check_is_named_with_the_remedy(runtime: Runtime) -> None:
    assert [result for result in checks.run_checks(runtime) if result.name == "account's rows"] == []

    publish_failures(runtime.settings.published_file, [DOUBLED])
    (failed,) = (result for result in checks.run_checks(runtime) if result.name == "account's rows")
    assert not failed.is_ok and failed.message.startswith("ad account 7 (Northwind): doubled_rows of ad_insights fails on")
    assert failed.message.endswith("; `meta-pipeline rebuild` loads its landed days again, without a call")


def test_access_that_was_lost_since_the_last_run_is_reported_once(runtime: Runtime) -> None:
    ref = connected(runtime)
    first, second = ([result.message for result in lost_access.check_lost_access(runtime, now=NOW)] for _ in range(2))
    assert "first run" in first[0] and second == ["nothing (2026-11-27 09:00 UTC, just now)"]

    link(runtime, ref, ids=("act_1",), owner=None)
    node, owner = lost_access.check_lost_access(runtime, now=NOW + HOUR)
    assert not node.is_ok and "1 node can no longer be read (Name act_2)" in node.message
    assert not owner.is_ok and "the owner of 1 node is no longer known (Name act_1)" in owner.message
    assert "business_management" in owner.message

    runtime.vault.retire(ref, "the password has changed", subcode=460)
    messages = [result.message for result in lost_access.check_lost_access(runtime, now=NOW + HOUR)]
    assert "the 1 token of Sam is dead or gone" in messages[0] and "1 node" in messages[1]
    assert [result.is_ok for result in lost_access.check_lost_access(runtime, now=NOW + HOUR)] == [True]
    snapshot = runtime.settings.root / "doctor.json"
    assert snapshot.stat().st_mode & 0o777 == 0o600 and "EAAB" not in snapshot.read_text()


def test_a_snapshot_that_cannot_be_parsed_is_replaced(runtime: Runtime) -> None:
    connected(runtime)
    (runtime.settings.root / "doctor.json").write_text(json.dumps({"at": "yesterday"}))

    assert [result.is_ok for result in lost_access.check_lost_access(runtime, now=NOW)] == [True]
