"""The deployment files, as far as they can be checked without systemd and Docker running."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from meta_pipeline.cli.main import cli
from meta_pipeline.settings import Settings

TOP = Path(__file__).parents[1]
DEPLOY = TOP / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
UNIT = DEPLOY / "meta-pipeline.service"
ROUTES = set(re.findall(r'route\("(/health/\w+)"', (TOP / "meta_pipeline" / "web" / "app.py").read_text()))


def commands_in(text: str) -> list[list[str]]:
    """Return the words of every use of our command line: in a shell line, a unit, or a JSON list."""
    commands = []
    for line in text.replace("`", "\n").splitlines():
        words = re.sub(r'[\[\]",]', " ", line.partition(" #")[0]).split()
        for at, word in enumerate(words):
            if word.rpartition("/")[2] == "meta-pipeline" and words[at + 1:at + 2] and words[at + 1] in cli.commands:
                commands.append(words[at + 1:])
    return commands


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_command_and_option_of_the_files_exists(file: Path) -> None:
    for name, *words in commands_in(file.read_text()):
        command: click.Command = cli.commands[name]
        if isinstance(command, click.Group):
            command, words = command.commands[words[0]], words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, (name, words)


def test_the_files_use_the_command_line() -> None:
    used = {words[0] for file in FILES for words in commands_in(file.read_text())}

    assert {"up", "connect", "backfill", "rebuild", "doctor", "vault"} <= used


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_of_the_files_exists(file: Path) -> None:
    names = set(re.findall(r"META_PIPELINE_([A-Z_]+[A-Z])", file.read_text()))

    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_every_file_that_the_instructions_name_is_in_the_repository() -> None:
    text = "\n".join(file.read_text() for file in FILES)
    named = set(re.findall(r"(?<![\w/.*-])(deploy/[\w.-]+|[\w-]+\.(?:lock|md|yaml|service)|\.env\.example)(?![\w/])", text))

    named -= {"deploy/.env", "postgresql.service"}  # the operator's, and Debian's
    assert {"deploy/compose.yaml", "deploy/meta-pipeline.service", ".env.example", "requirements.lock"} <= named
    assert {name for name in named if not (TOP / name).exists() and not (DEPLOY / name).exists()} == set()


def test_every_program_that_the_instructions_use_is_installed() -> None:
    text = "\n".join(file.read_text() for file in FILES)
    programs = set(re.findall(r"/opt/meta-pipeline/bin/([\w-]+)", text))

    assert {"meta-pipeline", "dagster-webserver", "python", "uv"} <= programs
    assert {program for program in programs if not (Path(sys.executable).parent / program).exists()} == set()


def test_unit_image_and_compose_file_start_the_same_command_and_check_its_port() -> None:
    pipeline = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["pipeline"]
    (unit_command,) = re.findall(r"^ExecStart=/opt/meta-pipeline/bin/(.+)$", UNIT.read_text(), re.M)
    (image_command,) = re.findall(r"^CMD (.+)$", (DEPLOY / "Dockerfile").read_text(), re.M)
    (port,) = re.findall(r"--web-port (\d+)", unit_command)
    health = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", pipeline["healthcheck"]["test"][-1])

    assert json.loads(image_command) == pipeline["command"] == unit_command.split()
    assert health and health[1] == port and health[2] in ROUTES


def test_the_home_of_the_image_is_in_its_volume_and_the_service_may_write_its_folder() -> None:
    dockerfile, unit = (DEPLOY / "Dockerfile").read_text(), UNIT.read_text()
    pipeline = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["pipeline"]
    (volume,) = re.findall(r"^VOLUME (.+)$", dockerfile, re.M)
    (home,) = re.findall(r"META_PIPELINE_HOME=(\S+)", dockerfile)
    (state,) = re.findall(r"^StateDirectory=(.+)$", unit, re.M)

    assert pipeline["volumes"] == [f"pipeline:{volume}"] and home == pipeline["environment"]["META_PIPELINE_HOME"]
    assert home.startswith(f"{volume}/") and f"WorkingDirectory=/var/lib/{state}\n" in unit


def test_postgres_is_ready_only_when_it_answers_over_tcp() -> None:
    postgres = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["postgres"]

    assert postgres["healthcheck"]["test"][1:4] == ["pg_isready", "-h", "127.0.0.1"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        reason = "the check of the unit needs Debian's systemd: apt-get install systemd"
        pytest.fail(reason) if os.environ.get("SKIP_NOTHING") else pytest.skip(reason)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/meta-pipeline/bin/meta-pipeline", sys.executable))
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)

    assert UNIT.name not in ran.stderr, ran.stderr


def test_the_compose_file_has_a_database_for_each_storage() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    postgres, pipeline = compose["services"]["postgres"], compose["services"]["pipeline"]

    urls = [pipeline["environment"][f"META_PIPELINE_{name}"] for name in ("STORE_URL", "DAGSTER_POSTGRES_URL")]
    assert [url.rpartition("/")[2] for url in urls] == ["control", "dagster"]
    assert all(url.startswith("postgresql+psycopg2://meta_pipeline:${POSTGRES_PASSWORD}@127.0.0.1:5432/") for url in urls)
    assert postgres["environment"]["POSTGRES_DB"] == "control"
    assert "create database dagster;" in compose["configs"][postgres["configs"][0]["source"]]["content"]
    assert postgres["ports"] == ["127.0.0.1:5432:5432"] and pipeline["network_mode"] == "host"
    for service in (postgres, pipeline):
        volume, _, _ = service["volumes"][0].partition(":")
        assert volume in compose["volumes"]
    assert (DEPLOY / pipeline["build"]["context"] / pipeline["build"]["dockerfile"]).is_file()


def test_the_image_is_built_from_the_locks_and_everything_that_the_wheel_needs() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.M) for name in line.split()[:-1]
    }
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    build = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert {name for name in copied if not (TOP / name).exists()} == set()
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    needed = {Path(name).parts[0] for name in (*build["packages"], *build["force-include"])}
    assert needed | {"pyproject.toml", "README.md", "LICENSE"} <= copied
    installs = re.findall(r"pip install (.+?)(?:\\|&&|$)", dockerfile, re.M)
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs) and len(installs) == 3
