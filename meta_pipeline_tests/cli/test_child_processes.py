"""One `up` per home, and no child process outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from meta_pipeline.cli.up import child_processes
from meta_pipeline.cli.up.child_processes import ChildProcesses, kill_orphans, up_lock
from meta_pipeline.records import ConfigError
from meta_pipeline.store.coordination.processes import identity, is_gone

HOLD = """
import sys, time
from pathlib import Path
from meta_pipeline.cli.up.child_processes import ChildProcesses, up_lock
folder = Path(sys.argv[1])
with up_lock(folder):
    children = ChildProcesses(folder=folder, log=folder / "up.log", sleep=time.sleep)
    # Like a code server: a child that starts a child.
    children.start("a server", "timeit", "-n1", "-r1",
        "import subprocess; subprocess.run(['sleep', '600'])", environment={})
    print("holding", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds the lock of `up` in `tmp_path` and has a child and a grandchild."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.communicate()


def descendants_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return its child and grandchild, once both run."""
    descendants: list[psutil.Process] = []
    while len(descendants) < 2:
        descendants = psutil.Process(process.pid).children(recursive=True)
    return descendants


def test_a_second_up_is_refused_as_long_as_the_first_lives(tmp_path: Path, up: subprocess.Popen[str]) -> None:
    (tmp_path / "up.processes").unlink()  # the lock does not depend on this list

    with pytest.raises(ConfigError, match=rf"running on this home already \(process {up.pid}\)"), up_lock(tmp_path):
        pass

    up.kill()
    up.wait()
    with up_lock(tmp_path):
        pass


def test_no_process_outlives_an_up_that_was_killed(up: subprocess.Popen[str]) -> None:
    started = descendants_of(up)

    up.send_signal(signal.SIGKILL)
    up.wait()

    assert psutil.wait_procs(started, timeout=30)[1] == []


@pytest.mark.parametrize(
    "text", ["", "no identity", f"{identity()[:-3]}x:y:z\n", "a:b:c\nd:e:f"], ids=["empty", "words", "cut", "foreign"]
)
def test_a_file_of_identities_that_cannot_be_parsed_counts_as_empty(tmp_path: Path, text: str) -> None:
    file = tmp_path / "up.processes"
    file.write_text(text)

    kill_orphans(file, sleep=time.sleep)

    assert not file.exists()


def test_orphans_of_a_killed_up_are_killed_and_those_of_a_running_one_are_not(tmp_path: Path) -> None:
    file = tmp_path / "up.processes"
    gone = subprocess.Popen(["true"])
    name = identity(gone.pid)
    gone.wait()
    orphan = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watched = identity(orphan.pid)

    file.write_text(f"{identity()}\n{watched}")
    with pytest.raises(ConfigError, match="running on this home already"):
        kill_orphans(file, sleep=time.sleep)
    assert not is_gone(watched)

    file.write_text(f"{name}\n{watched}")
    kill_orphans(file, sleep=time.sleep)
    assert is_gone(watched) and not file.exists()
    orphan.wait()


def test_a_large_log_is_rotated_while_children_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_processes, "LARGEST_LOG", 10)
    log = tmp_path / "up.log"
    children = ChildProcesses(folder=tmp_path, log=log, sleep=time.sleep)
    with log.open("ab", buffering=0) as child:
        child.write(b"short\n")
        children.rotate_log()
        assert log.read_bytes() == b"short\n"
        child.write(b"and much longer\n")
        children.rotate_log()
        child.write(b"after\n")

    assert log.read_bytes() == b"after\n"
    assert log.with_name("up.log.1").read_bytes() == b"short\nand much longer\n"
    children.stop()
