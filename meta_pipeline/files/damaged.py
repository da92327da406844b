"""Landed files that can't be read: set aside under another name and removed from the ledger, so that they land again.

Only a file whose content is damaged is set aside. A file that is missing, or that the disk or the permissions refuse,
stays in the ledger: the folder may not be mounted, and landing everything again would not help."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from meta_pipeline.files.locations import Location, folder_of, name_of
from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed import day_versions, ledger

ENDING = ".corrupt"
# Of one report and node; beyond them the oldest go.
MOST_KEPT = 20
# The folder of earlier versions of days, beside those that are current.
VERSIONS = "versions"
_SNAPSHOT_DAY = dt.date(1970, 1, 1)  # listings land under this day


class SetAside(NamedTuple):
    """A file that was set aside, and what it held; `day`: ISO, as in its name."""

    location: Location
    report: str
    node_id: str
    day: str


def is_damage(error: Exception) -> bool:
    """Return True for an error about a file's content, False when the operating system refused to read it."""
    if isinstance(error, IsADirectoryError):
        return True
    return not (isinstance(error, OSError) and error.errno)


def set_aside(location: Location) -> Location:
    """Rename a damaged file, or the directory in its place, to `<name>.corrupt`; return its new location."""
    path = Path(location)
    target = path.with_name(path.name + ENDING)
    _remove(target)
    path.rename(target)
    oldest_first = sorted(path.parent.glob(f"*{ENDING}"), key=lambda file: file.stat().st_mtime)
    for old in oldest_first[: max(0, len(oldest_first) - MOST_KEPT)]:
        if old != target:
            _remove(old)
    return str(target)


def set_aside_file(engine: sa.Engine, file: LandedFile) -> Location:
    """Set a landed file aside, or an earlier version of a day, and remove it from the ledger; return its new
    location."""
    target = set_aside(file.path)
    (day_versions.remove if _is_earlier_version(file) else ledger.remove)(engine, file)
    return target


def not_landed_again(root: Location) -> Iterator[SetAside]:
    """Yield the files set aside under `root` whose day has not landed since."""
    for path in sorted(Path(root).glob(f"*/*/*{ENDING}")):
        if not path.with_name(path.name.removesuffix(ENDING)).exists():
            report, node_id, name = path.parts[-3:]
            yield SetAside(str(path), report, node_id, name.partition(".")[0])


def how_to_land_again(file: LandedFile) -> str:
    """Return what to do about a day whose file was set aside."""
    if _is_earlier_version(file):
        return "it was an earlier version of that day, which can't be read again"
    return _remedy(file.report, file.node_id, str(file.day))


def describe(file: SetAside) -> str:
    """Return what happened to a file that was set aside, and what to do about it."""
    return (
        f"{file.location} could not be read and was set aside; {_remedy(file.report, file.node_id, file.day)}"
    )


def _is_earlier_version(file: LandedFile) -> bool:
    return name_of(folder_of(file.path)) == VERSIONS


def _remedy(report: str, node_id: str, day: str) -> str:
    if day == str(_SNAPSHOT_DAY):
        return f"the next backfill of {node_id} reads that listing again"
    return (
        "read that day again: meta-pipeline backfill "
        f"--since {day} --until {day} --node {node_id} --report {report}"
    )


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
