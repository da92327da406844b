"""Processes that query published files in a loop while something publishes: every answer must be of one build."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

# Queries without a pause; for each line on standard input, a line with the different answers since the last one. Each
# has the results of all queries, from one connection.
_LOOP = """
import json, os, queue, sys, threading
from meta_pipeline.publish.readers.query import connected
os.nice(10)
locations, queries = json.loads(sys.argv[1])
requests = queue.SimpleQueue()
threading.Thread(target=lambda: [requests.put(line) for line in sys.stdin], daemon=True).start()
answers = set()
while True:
    for location in locations:
        with connected(location) as connection:
            answers.add(json.dumps([connection.execute(query).fetchall() for query in queries], default=str))
    if not requests.empty():
        requests.get()
        print(json.dumps([json.loads(answer) for answer in answers]), flush=True)
        answers.clear()
"""


class PublishedReaders:
    """Processes that read these files; `answers`: the distinct results of each process since the last `read`."""

    def __init__(self, locations: Sequence[str], queries: Sequence[str], *, count: int = 4) -> None:
        arguments = json.dumps([list(locations), list(queries)])
        self._processes = [
            subprocess.Popen([sys.executable, "-c", _LOOP, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
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
        """Collect the results of every process until now; raise RuntimeError with its error when one has ended."""
        for process in self._processes:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in self._processes:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(process.stderr.read())
            self.answers += json.loads(line)
