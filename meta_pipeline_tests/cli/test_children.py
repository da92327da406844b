"""One `up` a home, and no child outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from meta_pipeline.cli.up import children
from meta_pipeline.cli.up.children import Children, end_orphans, only_up
from meta_pipeline.records import ConfigError
from meta_pipeline.store.processes import identity, is_gone

HOLD = """
import sys, time
from pathlib import Path
from meta_pipeline.cli.up.children import Children, only_up
folder = Path(sys.argv[1])
with only_up(folder):
    children = Children(folder=folder, log=folder / "up.log")
    # As a code server does it: a child with a child of its own.
    children.start("a server", "timeit", "-n1", "-r1",
        "import subprocess; subprocess.run(['sleep', '600'])", environment={})
    print("holding", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of `up` in `tmp_path` and has a child and a grandchild."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()


def offspring(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Its child and grandchild, once both run."""
    found: list[psutil.Process] = []
    while len(found) < 2:
        found = psutil.Process(process.pid).children(recursive=True)
    return found


def test_a_second_up_is_refused_as_long_as_the_first_lives(tmp_path: Path, up: subprocess.Popen[str]):
    (tmp_path / "up.processes").unlink()  # whatever the list says

    with pytest.raises(ConfigError, match=rf"running on this home already \(process {up.pid}\)"), only_up(tmp_path):
        pass

    up.kill()
    up.wait()
    with only_up(tmp_path):
        pass


def test_no_process_outlives_an_up_that_was_killed(up: subprocess.Popen[str]):
    started = offspring(up)

    up.send_signal(signal.SIGKILL)
    up.wait()

    assert psutil.wait_procs(started, timeout=30)[1] == []


@pytest.mark.parametrize(
    "text", ["", "no identity", f"{identity()[:-3]}x:y:z\n", "a:b:c\nd:e:f"], ids=["empty", "words", "cut", "foreign"]
)
def test_a_list_that_cannot_be_read_is_no_list(tmp_path: Path, text: str):
    file = tmp_path / "up.processes"
    file.write_text(text)

    end_orphans(file)

    assert not file.exists()


def test_what_a_killed_up_left_is_ended_and_a_living_one_is_not(tmp_path: Path):
    file = tmp_path / "up.processes"
    gone = subprocess.Popen(["true"])
    name = identity(gone.pid)
    gone.wait()
    orphan = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watched = identity(orphan.pid)

    file.write_text(f"{identity()}\n{watched}")
    with pytest.raises(ConfigError, match="running on this home already"):
        end_orphans(file)
    assert not is_gone(watched)

    file.write_text(f"{name}\n{watched}")
    end_orphans(file)
    assert is_gone(watched) and not file.exists()
    orphan.wait()


def test_a_log_that_has_grown_is_rotated_while_children_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(children, "LARGEST_LOG", 10)
    log = tmp_path / "up.log"
    kept = Children(folder=tmp_path, log=log)
    with log.open("ab", buffering=0) as child:
        child.write(b"short\n")
        kept.rotate_log()
        assert log.read_bytes() == b"short\n"
        child.write(b"and much longer\n")
        kept.rotate_log()
        child.write(b"after\n")

    assert log.read_bytes() == b"after\n"
    assert log.with_name("up.log.1").read_bytes() == b"short\nand much longer\n"
    kept.stop()
