"""Notice when the file of an SQLite control store is moved, deleted or replaced while a process has it open.

SQLite does not notice: open connections continue with the old file, and a new connection creates an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import StoreError


def notice_lost_file(engine: sa.Engine) -> None:
    """Make every use of the engine raise StoreError while its file is missing, and connect to the file that replaces
    it."""
    if engine.dialect.name != "sqlite" or not engine.url.database or not Path(engine.url.database).is_file():
        return
    file = Path(engine.url.database)

    @sa.event.listens_for(engine, "do_connect")
    def _check(*_: Any) -> None:
        _identity(file)

    @sa.event.listens_for(engine, "connect")
    def _remember(_: Any, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    @sa.event.listens_for(engine, "checkout")
    def _compare(_: Any, record: sa.pool.ConnectionPoolEntry, __: Any) -> None:
        if record.info.get("file") != _identity(file):
            raise sa.exc.DisconnectionError  # the pool connects again


def _identity(file: Path) -> tuple[int, int]:
    """Return the device and inode, which no other file has while this one is open."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        raise StoreError(
            f"the control store {file} was moved or deleted while this process had it open: put it back, or stop the "
            "process and move the home away to start with a new one"
        ) from None
    return stat.st_dev, stat.st_ino
