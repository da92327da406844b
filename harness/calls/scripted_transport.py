"""The client's transport on connections that receive scripted bytes, on a clock on which waiting costs nothing."""

from __future__ import annotations

import datetime as dt
import functools
import io
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.graph.http.bounds import CALL_DEADLINE_S, CHUNK
from meta_pipeline.graph.http.transport import DeadlineAdapter

START = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@dataclass
class Clock:
    """A clock whose seconds pass only during a wait."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        """The seconds so far."""
        return self.seconds

    def now(self) -> dt.datetime:
        """The same as an instant."""
        return START + dt.timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True)
class Scripted:
    """The bytes of one response, `piece` at a time, each after `delay_s`."""

    head: bytes
    body: bytes = field(repr=False)
    piece: int = CHUNK
    delay_s: float = 0.0


class _Raw(io.RawIOBase):
    """What a socket receives."""

    def __init__(self, sock: _Socket) -> None:
        super().__init__()
        self._sock = sock

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next piece, or for the timeout."""
        answer, timeout = self._sock.answer, self._sock.timeout
        if timeout is not None and answer.delay_s > timeout:
            self._sock.clock.sleep(timeout)
            raise TimeoutError("timed out")
        self._sock.clock.sleep(answer.delay_s)
        piece = self._sock.received.read(min(len(buffer), answer.piece))
        buffer[: len(piece)] = piece
        return len(piece)


class _Socket:
    """A connection on which one response arrives."""

    def __init__(self, answer: Scripted, clock: Clock) -> None:
        self.answer, self.clock = answer, clock
        self.received = io.BytesIO(answer.head + answer.body)
        self.timeout: float | None = None

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Its bytes as http.client reads them."""
        return io.BufferedReader(_Raw(self))

    def settimeout(self, seconds: float | None) -> None:
        """Set how long a read waits."""
        self.timeout = seconds

    def gettimeout(self) -> float | None:
        """Return how long a read waits."""
        return self.timeout

    def sendall(self, data: bytes) -> None:
        """Send nothing anywhere."""

    def fileno(self) -> int:
        """Return a descriptor that is always readable, as that of a closed connection."""
        return _nothing()

    def shutdown(self, how: int) -> None:
        """End."""

    def close(self) -> None:
        """End."""


@functools.cache
def _nothing() -> int:
    return os.open(os.devnull, os.O_RDONLY)


class ScriptedAdapter(DeadlineAdapter):
    """The real transport, whose connections receive scripted responses, the last one repeatedly."""

    def __init__(self, answers: Sequence[Scripted], clock: Clock) -> None:
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        self._of_script = clock
        super().__init__(deadline_s=CALL_DEADLINE_S, clock=clock.monotonic)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Use connections that receive the script."""
        super().init_poolmanager(*args, **more)
        pool = self.poolmanager.pool_classes_by_scheme["http"]
        answers, clock = self._answers, self._of_script

        class Connection(pool.ConnectionCls):  # type: ignore[name-defined, misc]
            def connect(self) -> None:
                self.sock = _Socket(next(answers), clock)

        scripted = type("ScriptedPool", (pool,), {"ConnectionCls": Connection})
        self.poolmanager.pool_classes_by_scheme = {"http": scripted, "https": scripted}
