"""Dagster's storage on a real Postgres: `backfill`, `up` and an engineer's own `dagster-webserver` share it, and none
of them writes or prints the password."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
import sqlalchemy as sa

from harness.home import Home, free_port, make_home, running_up
from harness.kills.leftover_processes import left_after, processes_of
from harness.sandbox import Sandbox
from harness.web.dagster_api import ask, backfill, wait_until
from meta_pipeline.defs.postgres import SETTING, check
from meta_pipeline.project import project_folder
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.store.engine import storage_error
from meta_pipeline_tests.fakes.postgres import PASSWORD, Postgres, running_postgres

ACCOUNT = "act_1000000001"
RUNS = "{ runsOrError { ... on Runs { results { jobName status } } } instance { info } }"
# The spellings of the password that a log, an error or a page could show.
SECRETS = (PASSWORD, quote(PASSWORD, safe=""))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with running_postgres(tmp_path_factory.mktemp("postgres"), "dagster", "control") as server:
        yield server


def refusal_of(url: str) -> str:
    with pytest.raises(MetaPipelineError) as refused:
        check(url)
    text = str(refused.value)
    assert SETTING in text and "\n" not in text
    assert not any(secret in text for secret in SECRETS)
    return text


@pytest.mark.parametrize(
    "url",
    [
        "hush", "postgresql://pipeline:hush@db/dagster", "mysql://pipeline:hush@db/dagster",
        "postgresql+psycopg2://pipeline:hush@db:54x2/dagster", "postgresql+psycopg2://pipeline:x@hush/y@db/dagster",
        "postgresql+psycopg2://pipeline:hush@db",
    ],
)
def test_an_invalid_url_is_refused_without_being_printed(url: str) -> None:
    text = refusal_of(url)

    assert "write postgresql+psycopg2://user:password@host/database" in text and "hush" not in text


def test_a_refusal_of_the_server_is_one_sentence(postgres: Postgres) -> None:
    assert "password authentication failed" in refusal_of(postgres.url("dagster", password="hush"))
    assert 'database "nowhere" does not exist' in refusal_of(postgres.url("nowhere"))
    assert "Connection refused" in refusal_of(f"postgresql+psycopg2://pipeline:{SECRETS[1]}@127.0.0.1:9/dagster")
    check(postgres.url("dagster"))


def test_an_error_of_a_server_that_stopped_names_the_setting() -> None:
    with pytest.raises(sa.exc.OperationalError) as gone:
        sa.create_engine("postgresql+psycopg2://pipeline:hush@127.0.0.1:9/dagster").connect()

    assert "Connection refused" in str(storage_error(gone.value)) and SETTING in str(storage_error(gone.value))


def test_the_control_stores_database_is_refused(postgres: Postgres) -> None:
    with pytest.raises(ConfigError, match="name the same database: create a second one"):
        check(postgres.url("control"), store_url=postgres.url("control"))
    check(postgres.url("dagster"), store_url=postgres.url("control"))
    check(postgres.url("dagster"), store_url="sqlite:////dagster")


def written_secrets(folder: Path) -> list[Path]:
    """Return the files under a folder that hold the password."""
    secrets = [secret.encode() for secret in SECRETS]
    return [
        file for file in folder.rglob("*")
        if file.is_file() and any(secret in file.read_bytes() for secret in secrets)
    ]


def command_lines(home: Home) -> str:
    return "\n".join(" ".join(process.cmdline()) for process in processes_of(home))


def test_backfill_the_engineers_own_webserver_and_up_share_one_postgres(
    home: Home, sandbox: Sandbox, postgres: Postgres
) -> None:
    home.environment["META_PIPELINE_STORE_URL"] = postgres.url("control")
    (home.path / ".env").write_text(f"{SETTING}={postgres.url('dagster')}\n")
    folder = Path(home.environment["META_PIPELINE_HOME"]) / "dagster"
    connect = ("connect", "--token-stdin", "--kind", "system-user")
    days = ("--since", "2026-11-10", "--until", "2026-11-10", "--report", "account_insights")
    ran = [
        home.run(*connect, stdin=sandbox.app["system_user_token"]),
        home.run("backfill", "--node", ACCOUNT, *days, "--no-build"),
    ]
    assert [command.returncode for command in ran] == [0, 0], ran
    assert not (folder / "history").exists()  # the files of SQLite

    port = free_port()
    webserver = subprocess.Popen(  # as the README says
        [Path(sys.executable).parent / "dagster-webserver", "-w", "workspace.yaml", "-p", str(port)],
        cwd=project_folder(), start_new_session=True,
        env={**home.environment, "DAGSTER_HOME": str(folder), SETTING: postgres.url("dagster")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    output = "".join(command.stdout + command.stderr for command in ran)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until("the webserver answers", is_so=lambda: answers(url))
        shown = ask(url, RUNS)
        assert {"pull_ads", "pull_entities"} <= {run["jobName"] for run in shown["runsOrError"]["results"]}
        output += str(shown) + command_lines(home)
    finally:
        os.killpg(webserver.pid, signal.SIGTERM)  # and the code server that it started
        output += webserver.communicate(timeout=60)[0]

    with running_up(home) as (url, _):
        backfill(url, ["account_insights"], [f"{ACCOUNT}|2026-11-11"])
        assert len([run for run in ask(url, RUNS)["runsOrError"]["results"] if run["status"] == "SUCCESS"]) >= 3
        output += command_lines(home)
    assert left_after(home) == []
    assert not any(secret in output for secret in SECRETS)
    assert written_secrets(home.path) == [home.path / ".env"]


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_server_that_is_down_is_one_sentence_and_leaves_no_process(
    tmp_path: Path, shared_sandbox: Sandbox, postgres: Postgres
) -> None:
    home = make_home(tmp_path, shared_sandbox)
    home.environment[SETTING] = postgres.url("dagster").replace("@/", "@127.0.0.1:9/").partition("?")[0]
    ran = home.run("up", "--port", str(free_port()), "--web-port", str(free_port()))

    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("error: Dagster's storage can't be used: ")
    assert SETTING in ran.stderr and not any(secret in ran.stderr + ran.stdout for secret in SECRETS)
    assert left_after(home) == [] and written_secrets(home.path) == []
    checked = home.run("doctor")
    assert "Dagster's storage can't be used: " in checked.stdout
    assert not any(secret in checked.stdout + checked.stderr for secret in SECRETS)
