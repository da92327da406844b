"""Permissions of the files that this program writes: only their owner may access them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from meta_pipeline.files.locations import Location

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Names that this program creates directly in its home: nothing else there is changed.
_OURS = (
    "control.sqlite*", "warehouse.duckdb*", "dagster", "dbt", "landing", "published", "samples", "receipts", "demo*",
    "leads", "conversations",
    "*.log", "*.png", ".env",
)


def keep_private() -> None:
    """Make every file of this process and its children 0600 and every folder 0700."""
    os.umask(_OTHERS)


def make_private(root: Path) -> None:
    """Remove other users' access to a home of an older version: to the folder and the names that this program created
    directly in it. Everything below can't be reached then. Files of another owner are not changed."""
    if not root.is_dir():
        return
    for path in (root, *_ours(root)):
        with contextlib.suppress(OSError):
            if _is_open(path) and path != Path.home():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def open_to_others(root: Path, others: Iterable[Location] = ()) -> Iterator[str]:
    """Yield a sentence for every path that other users may access: the home, its direct content, and `others` outside
    of it."""
    inside = _ours(root) if root.is_dir() else []
    outside = [path for path in map(Path, others) if path.exists() and not path.is_relative_to(root)]
    for path in (root, *inside, *outside):
        if path.exists() and _is_open(path):
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = "700" if path.is_dir() else "600"
            yield f"{path} has mode {mode:04o}, so other users may access it: chmod {wanted} {path}"


def _ours(root: Path) -> list[Path]:
    return [path for pattern in _OURS for path in sorted(root.glob(pattern)) if not path.is_symlink()]


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)
