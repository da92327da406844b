"""The wheel as its user installs it: in an empty environment from the lock, read-only, outside the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from harness.home import Home, make_home
from harness.sandbox import Sandbox, serving

TOP = Path(__file__).parents[1]
ACCOUNT, DAYS = "act_1000000001", ("2026-11-10", "2026-11-11")
_NOT_SHIPPED = {"target", "logs", "dbt-bouncer.yml"}  # made by dbt; rules of the test suite


@dataclass(frozen=True)
class Installed:
    """The wheel, and the environment that it is installed in."""

    wheel: Path
    environment: Path

    @property
    def package(self) -> Path:
        return next(self.environment.glob("lib/python*/site-packages/meta_pipeline"))

    @property
    def command(self) -> tuple[str, ...]:
        """The command line, for which read-only files are read-only for root as well."""
        program = str(self.environment / "bin" / "meta-pipeline")
        if os.geteuid() == 0 and shutil.which("setpriv"):
            return ("setpriv", "--bounding-set", "-dac_override", program)
        return (program,)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("wheel")
    uv, environment = Path(sys.executable).parent / "uv", folder / "environment"
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "dist")
    (wheel,) = (folder / "dist").iterdir()
    run(uv, "venv", "--python", sys.executable, environment)
    install = (uv, "pip", "install", "--python", environment / "bin" / "python")
    run(*install, "--require-hashes", "-r", "requirements.lock")
    run(*install, "--no-deps", "--compile-bytecode", "--link-mode", "copy", wheel)  # links share modes with the cache
    share_bytecode(environment)
    place = Installed(wheel, environment)
    for path in (place.package, *place.package.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    yield place
    for path in (place.package, *place.package.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def run(*command: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    ran = subprocess.run([*command], cwd=TOP, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def share_bytecode(environment: Path) -> None:
    """Link the compiled files of the same packages in this environment: compiling them again takes ten seconds.

    Python ignores those whose source has another size or time."""
    ours = Path(pytest.__file__).parents[1]
    theirs = next(environment.glob("lib/python*/site-packages"))
    for cache in ours.rglob("__pycache__"):
        source, target = cache.relative_to(ours).parent, theirs / cache.relative_to(ours)
        if (theirs / source).is_dir() and not target.exists():
            shutil.copytree(cache, target, copy_function=link_or_copy)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def test_the_wheel_holds_the_package_and_the_projects_files_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    package = {path for path in (TOP / "meta_pipeline").rglob("*") if "__pycache__" not in path.parts}
    dbt = {
        path for path in (TOP / "dbt_project").rglob("*")
        if path.relative_to(TOP / "dbt_project").parts[0] not in _NOT_SHIPPED
    }
    project = {*dbt, TOP / "dagster.yaml", TOP / "workspace.yaml"}
    assert names == {str(path.relative_to(TOP)) for path in package if path.is_file()} | {
        f"meta_pipeline/_project/{path.relative_to(TOP)}" for path in project if path.is_file()
    }


@pytest.fixture
def sandbox(installed: Installed) -> Iterator[Sandbox]:
    with serving(command=installed.command) as sandbox:
        yield sandbox


@pytest.fixture
def home(installed: Installed, tmp_path: Path, sandbox: Sandbox) -> Home:
    home = make_home(tmp_path, sandbox)
    home.command = installed.command
    home.environment = {name: value for name, value in home.environment.items() if not name.startswith("PYTHON")}
    return home


def files_of(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def test_the_first_steps_of_the_demo_run_from_the_wheel(installed: Installed, home: Home, sandbox: Sandbox) -> None:
    before = files_of(installed.package)
    for arguments, stdin in (
        (("connect", "--token-stdin", "--kind", "system-user"), sandbox.app["system_user_token"]),
        (("backfill", "--node", ACCOUNT, "--since", DAYS[0], "--until", DAYS[1]), ""),
    ):
        ran = home.run(*arguments, stdin=stdin)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = home.sql(
        "select date_day::varchar as day, sum(spend) as spend from marts.facebook_ads__ad_report group by 1")

    truth = {
        row["day"]: Decimal(row["spend"])
        for row in sandbox.control("truth", since=DAYS[0], until=DAYS[1])["account"]
        if row["account_id"] == ACCOUNT.removeprefix("act_")
    }
    assert {row["day"]: Decimal(row["spend"]) for row in rows} == truth
    assert files_of(installed.package) == before
    assert [path.name for path in home.path.iterdir()] == ["home"]
