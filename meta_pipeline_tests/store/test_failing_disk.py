"""Every storage error is one sentence that names the file and the cause; the next run removes the files of a kill."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from harness.home import Home, make_home
from harness.landing.filled_home import DAYS, FilledHome
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli import main as cli_main
from meta_pipeline.cli.doctor import checks as doctor
from meta_pipeline.files import permissions, reading, temporary
from meta_pipeline.landing import thumbnails
from meta_pipeline.records import ConfigError, LandingError, LoadError, StoreError
from meta_pipeline.settings import Settings
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.engine import check_store_is_there, open_store
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.transactions import transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    yield engine
    engine.dispose()


def full(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _limited(connection: sqlite3.Connection, _: object) -> None:
        ((pages,),) = connection.execute("pragma page_count").fetchall()
        connection.execute(f"pragma max_page_count = {pages}")


def read_only(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _limited(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma query_only = on")


def locked(engine: sa.Engine) -> None:
    holder = sqlite3.connect(str(engine.url.database), check_same_thread=False)
    holder.execute("begin immediate")

    @sa.event.listens_for(engine, "connect")
    def _impatient(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma busy_timeout = 1")
        holder.execute("select 1")  # the reference keeps the holder open as long as the engine


def malformed(engine: sa.Engine) -> None:
    file = Path(str(engine.url.database))
    content = file.read_bytes()
    file.write_bytes(content[:200] + b"\xff" * (len(content) - 200))


@pytest.mark.parametrize(
    ("trouble", "cause", "remedy"),
    [
        (full, "full", "free space"),
        (read_only, "readonly", "who may write"),
        (locked, "locked", "wait until that one ends"),
        (malformed, "malformed", "restore it from a backup"),
    ],
)
def test_an_error_of_the_control_store_names_the_file_the_cause_and_what_to_do(
    store: sa.Engine, trouble: Callable[[sa.Engine], None], cause: str, remedy: str
) -> None:
    store.dispose()
    trouble(store)

    with pytest.raises(StoreError) as raised:
        for number in range(500):
            warehouse_state.start_load(store, load_id=f"{number}" * 200)
            with store.begin() as connection:
                connection.execute(sa.text(f"create table t{number} (a, b)"))

    message = str(raised.value)
    assert str(store.url.database) in message and cause in message and remedy in message and "\n" not in message


@pytest.mark.parametrize("content", [b"no database " * 100, None], ids=["garbage", "truncated"])
def test_a_control_store_that_is_no_database_is_reported_in_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "control.sqlite"
    open_store(f"sqlite:///{file}").dispose()
    file.write_bytes(file.read_bytes()[:5000] if content is None else content)

    with pytest.raises(StoreError, match=r"control\.sqlite can't be read or written: .*restore it from a backup"):
        open_store(f"sqlite:///{file}")


def test_the_error_of_a_wrong_statement_is_not_translated(store: sa.Engine) -> None:
    with pytest.raises(sa.exc.OperationalError, match="no such table"), store.begin() as connection:
        connection.execute(sa.text("select * from not_there"))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_lost_control_store_is_noticed_when_landed_data_exists(tmp_path: Path, is_there: bool) -> None:
    file, landing = tmp_path / "control.sqlite", tmp_path / "landing"
    if is_there:
        file.touch()
    url = f"sqlite:///{file}"
    assert not reading.holds_data(str(landing))
    check_store_is_there(url, holding_data=[])  # a new home
    (landing / "ad_insights").mkdir(parents=True)
    assert reading.holds_data(str(landing))

    with pytest.raises(ConfigError, match=r"control\.sqlite is (empty|missing), but .*landing.*restore it from a backup"):
        check_store_is_there(url, holding_data=[str(landing)])
    file.unlink(missing_ok=True)
    open_store(url)
    check_store_is_there(url, holding_data=[str(landing)])


@pytest.mark.parametrize("step", ["write", "fsync", "replace", "open", "close"])
@pytest.mark.parametrize("number", [5, 28])
def test_a_day_that_can_not_be_written_is_named_and_lands_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    home = FilledHome(tmp_path / "home")
    home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "1"})

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path if step == "replace" else os, step, fail)
        with pytest.raises(LandingError, match=rf"could not write .*{DAYS[0]}\.parquet: .*{os.strerror(number)}"):
            home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "2"})
    home.load()
    assert [row[3] for row in home.everything()["rows"]] == ["1"]

    home.land("ad_insights", DAYS[0], {"ad_id": "1", "spend": "2"})
    home.load()
    assert [row[3] for row in home.everything()["rows"]] == ["2"]


class FailingConnection:
    """A connection on which one statement fails like DuckDB on a full disk, which has already rolled back."""

    def __init__(self, failing: str) -> None:
        self.failing = failing
        self.executed: list[str] = []

    def execute(self, sql: str) -> None:
        self.executed.append(sql)
        if sql == self.failing:
            raise duckdb.IOException("IO Error: Could not write file: No space left on device\nmore")
        if sql == "rollback":
            raise duckdb.TransactionException("cannot rollback - no transaction is active")


@pytest.mark.parametrize("failing", ["insert", "commit"])
def test_a_load_on_a_full_disk_reports_that_and_not_the_failed_rollback(failing: str) -> None:
    connection = FailingConnection(failing)

    reason = r"^could not load ad_insights: IO Error: Could not write file: No space left on device; free space"
    with pytest.raises(LoadError, match=reason), transaction(connection, "ad_insights"):  # type: ignore[arg-type]
        connection.execute("insert")

    assert connection.executed[-1] == "rollback"


def test_the_command_line_prints_one_sentence_for_a_disk_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        try:
            raise OSError(5, "Input/output error", "/home/of/it")
        except OSError as error:
            raise RuntimeError("what Dagster says") from error

    monkeypatch.setattr(cli_main, "keep_private", lambda: None)  # it would change this process's umask
    monkeypatch.setattr(cli_main, "cli", fail)
    with pytest.raises(SystemExit, match=r"^error: /home/of/it: Input/output error; check the disk"):
        cli_main.main()
    monkeypatch.setattr(cli_main, "cli", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):  # our own bug is shown with its traceback
        cli_main.main()


def killed_process() -> str:
    ended = subprocess.Popen(["sleep", "60"])
    process = identity(ended.pid)
    ended.kill()
    ended.wait()
    return process


def test_files_of_a_killed_process_are_removed_and_files_being_written_stay(tmp_path: Path) -> None:
    mine, dead, elsewhere = temporary.beside(tmp_path / "a.parquet"), killed_process(), "elsewhere:1:1"
    assert str(os.getpid()) in mine.name and mine != temporary.beside(tmp_path / "a.parquet")
    theirs = [tmp_path / f".a.parquet~7~{process}.tmp" for process in (dead, elsewhere)]
    older = [tmp_path / name for name in (".2026-11-01.tmp", ".abcd1234.tmp")]  # names of older versions
    for path in (mine, *theirs, *older, tmp_path / "a.parquet"):
        path.write_text("x")
    os.utime(older[0], (0, 0))

    temporary.discard_left_behind(str(tmp_path))

    assert set(tmp_path.iterdir()) == {mine, theirs[1], older[1], tmp_path / "a.parquet"}


def test_the_next_run_removes_unfinished_days_and_pictures_of_a_killed_process(tmp_path: Path) -> None:
    home, dead = FilledHome(tmp_path / "home"), killed_process()
    day = Path(home.landing.location("ad_insights", "act_1", DAYS[0]))
    left = [day.with_name(f".{day.name}~1~{dead}.tmp"), Path(home.landing.root) / thumbnails.FOLDER / f".x.png~1~{dead}.tmp"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_text("half")

    home.land("ad_insights", DAYS[0], {"ad_id": "1"})
    thumbnails.save(home.landing.root, b"picture", "png")

    assert not any(path.exists() for path in left)


def modes(root: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in (root, *root.rglob("*"))}


def test_written_files_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from meta_pipeline.cli import main; main.cli = lambda: None; main.main()\n"
        "from harness.landing.filled_home import FilledHome\n"
        "home = FilledHome(Path(sys.argv[1])); home.fill(generation=1); home.load()"
    )
    ran = subprocess.run(["sh", "-c", 'umask 022; exec "$@"', "sh", sys.executable, "-c", program, str(tmp_path / "home")])

    assert ran.returncode == 0
    assert modes(tmp_path / "home") == {"0o700", "0o600"}


def test_a_home_of_an_older_version_is_made_private_except_for_foreign_files(tmp_path: Path) -> None:
    root = tmp_path / "home"
    (root / "landing" / "x").mkdir(parents=True)
    outside = tmp_path / ".env"
    for path in (root / "control.sqlite", root / "warehouse.duckdb", root / "notes.txt", outside):
        path.touch()
        path.chmod(0o644)
    for path in (root, root / "landing"):
        path.chmod(0o755)
    warnings = list(permissions.open_to_others(root, (str(outside), str(tmp_path / "nothing"))))
    assert len(warnings) == 5 and f"chmod 600 {outside}" in warnings[-1] and f"chmod 700 {root}" in warnings[0]

    permissions.make_private(root)

    assert len(list(permissions.open_to_others(root, (str(outside),)))) == 1
    assert (root / "notes.txt").stat().st_mode & 0o777 == 0o644


def test_doctor_names_files_that_others_may_read_and_files_that_were_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=tmp_path / "home", _env_file=None)
    settings.root.mkdir()
    (runtime := Runtime(settings)).engine.dispose()  # the control store is there
    folder = Path(settings.landing_root) / "ad_insights" / "act_1"
    folder.mkdir(parents=True)
    permissions.make_private(settings.root)
    assert {result.name: result.is_ok for result in doctor.check_files(runtime)} == {"permissions": True, "landing folder": True}
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    (folder / f"{DAYS[0]}.parquet.corrupt").touch()
    (folder / f"{DAYS[1]}.parquet.corrupt").touch()
    (folder / f"{DAYS[1]}.parquet").touch()  # it has landed since

    permission, orphans, aside = doctor.check_files(runtime)

    assert not permission.is_ok and f"chmod 600 {tmp_path / '.env'}" in permission.message
    assert orphans.is_ok  # a file that was set aside has its own check
    assert not aside.is_ok and f"--since {DAYS[0]} --until {DAYS[0]} --node act_1 --report ad_insights" in aside.message


def test_the_command_line_ends_in_one_sentence_and_leaves_no_process(tmp_path: Path, shared_sandbox: Sandbox) -> None:
    line: Home = make_home(tmp_path, shared_sandbox)
    control = Path(line.environment["META_PIPELINE_HOME"]) / "control.sqlite"
    empty = line.run("build")
    assert (empty.returncode, empty.stderr) == (0, "") and "nothing has landed yet" in empty.stdout
    assert not (control.parent / "published").exists() and not (control.parent / "warehouse.duckdb").exists()

    for content in (b"garbage" * 999, control.read_bytes()[:5000]):
        for path in control.parent.glob("control.sqlite-*"):
            path.unlink()
        control.write_bytes(content)
        for verb in ("doctor", "links", "build"):
            ran = line.run(verb)
            assert ran.returncode == 1 and "Traceback" not in ran.stderr
            assert f"{control} can't be read or written" in ran.stderr.splitlines()[-1]
