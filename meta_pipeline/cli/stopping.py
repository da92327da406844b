"""Stop a command on Ctrl-C or SIGTERM: clean up, print what stays, exit with the code that a shell expects."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

# The sentence that a command prints when it is stopped. Servers run until they are stopped, so they print nothing.
STOPPED = {
    "sandbox": "", "serve": "", "mcp": "",
    "backfill": "stopped: the days that have landed stay; run the same command again to continue",
    "build": "stopped: the published warehouse is unchanged; run `meta-pipeline build` again to continue",
}


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. Code that cleans up after Ctrl-C also runs for it."""


def handle_sigterm() -> None:
    """Let SIGTERM raise `Terminated` in the main thread."""
    signal.signal(signal.SIGTERM, _terminate)


def end_at_signals() -> None:
    """Let Ctrl-C and SIGTERM end this process at once. It is for a command that only reads, and whose thread waits for
    standard input, which nothing else can end."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end)


def leave(stop: KeyboardInterrupt, *, command: str | None) -> NoReturn:
    """Print that the command is stopped and exit with 130 (Ctrl-C) or 143 (SIGTERM).

    The interpreter would first wait for every thread, and one may wait for Meta for minutes, so this process ends at
    once; its worker processes end with it."""
    number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    if sentence := STOPPED.get(command or "", "stopped"):
        click.echo(sentence, err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(128 + number)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
