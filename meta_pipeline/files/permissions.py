"""Permissions of the files that this program writes: for their owner, nobody else."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from meta_pipeline.files.locations import Location

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# What this program makes directly in its home: nothing else there is touched.
_OURS = (
    "control.sqlite*", "warehouse.duckdb*", "dagster", "dbt", "landing", "published", "samples", "receipts", "demo*",
    "leads", "conversations",
    "*.log", "*.png", ".env",
)


def keep_private() -> None:
    """Make every file of this process and its children 0600 and every folder 0700."""
    os.umask(_OTHERS)


def make_private(root: Path) -> None:
    """Close a home of an older version to others: the folder and what this program made directly in it. What lies
    deeper can't be reached then. What belongs to somebody else stays as it is."""
    if not root.is_dir():
        return
    for path in (root, *_ours(root)):
        with contextlib.suppress(OSError):
            if _is_open(path) and path != Path.home():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def open_to_others(root: Path, others: Iterable[Location] = ()) -> Iterator[str]:
    """Yield a sentence for every path that others than its owner may use: of the home, what lies directly in it, and
    the paths outside of it that are named."""
    inside = _ours(root) if root.is_dir() else []
    outside = [path for path in map(Path, others) if path.exists() and not path.is_relative_to(root)]
    for path in (root, *inside, *outside):
        if path.exists() and _is_open(path):
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = "700" if path.is_dir() else "600"
            yield f"{path} is {mode:04o}, others than its owner may use it: chmod {wanted} {path}"


def _ours(root: Path) -> list[Path]:
    return [path for pattern in _OURS for path in sorted(root.glob(pattern)) if not path.is_symlink()]


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)
