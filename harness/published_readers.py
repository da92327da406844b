"""Processes that query published files in a loop while something publishes: every answer must be of one build."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

# Each line on standard output is an answer: what every query returned, from one connection.
_LOOP = """
import json, sys
from meta_pipeline.publish.query import connected
locations, queries = json.loads(sys.argv[1])
while True:
    for location in locations:
        with connected(location) as connection:
            answers = [connection.execute(query).fetchall() for query in queries]
        print(json.dumps(answers, default=str), flush=True)
"""


class PublishedReaders:
    """So many processes that read these files; `queries` have the build id first."""

    def __init__(self, locations: Sequence[str], queries: Sequence[str], *, count: int = 4) -> None:
        arguments = json.dumps([list(locations), list(queries)])
        self._processes = [
            subprocess.Popen([sys.executable, "-c", _LOOP, arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
            for _ in range(count)
        ]
        self.answers: list[list[Any]] = []

    def __enter__(self) -> PublishedReaders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def read(self) -> None:
        """Wait for one more answer of every process; raise RuntimeError with its error when a process has ended."""
        for process in self._processes:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(process.stderr.read())
            self.answers.append(json.loads(line))
