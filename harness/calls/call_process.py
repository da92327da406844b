"""A process that only makes checked calls, so that its memory is only the client's.

Hypothesis remembers every choice of every example: a process that generates 1,000 of them takes 300 to 450 MiB."""

from __future__ import annotations

import dataclasses
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from harness.calls.checked_calls import Outcome, check
from harness.calls.scripted_transport import Scripted

# The most memory that a process may take while it handles any response, including the interpreter and its imports.
MOST_MIB = 256


class CallProcess:
    """A running process, which ends with the `with` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.calls.call_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> CallProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def check(self, call: str, script: Sequence[Scripted]) -> Outcome:
        """Make one call in that process and return its result, with the most memory that the process has taken so far.

        Raise AssertionError for any error of `checked_calls.check`, and when the process ends."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            pickle.dump((call, list(script)), stdin)
            stdin.flush()
            answer = pickle.load(stdout)  # noqa: S301, what our own process wrote
        except (EOFError, BrokenPipeError):
            raise AssertionError(f"the process of the calls ended with {self._process.wait()}") from None
        if not isinstance(answer, Outcome):
            raise AssertionError(answer)
        return answer


def peak_mib() -> float:
    """Return the most memory that this process has taken. `getrusage` would start at the size of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def main() -> None:
    """Make the calls that arrive on the standard input until it ends."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            call, script = pickle.load(sys.stdin.buffer)  # noqa: S301, what our own process wrote
        except EOFError:
            return
        answer: Outcome | str
        try:
            answer = dataclasses.replace(check(call, script), mib=peak_mib())
        except Exception:
            answer = traceback.format_exc()
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
