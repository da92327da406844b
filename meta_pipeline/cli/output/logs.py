"""Logging of the command line: one handler on standard error whose lines are safe for a terminal."""

from __future__ import annotations

import logging

from meta_pipeline.cli.output.terminal import line


class PrintableFormatter(logging.Formatter):
    """Escape control characters in messages and tracebacks; only a traceback has more than one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the message on one line."""
        return line(super().formatMessage(record))

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        """Return the traceback with each of its lines escaped."""
        return "\n".join(line(text) for text in super().formatException(ei).split("\n"))

    def formatStack(self, stack_info: str) -> str:
        """Return the stack with each of its lines escaped."""
        return "\n".join(line(text) for text in stack_info.split("\n"))


def configure() -> None:
    """Send warnings and errors to standard error, unless this process has a handler already."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(PrintableFormatter("%(message)s"))
    root.addHandler(handler)
