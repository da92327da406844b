"""Landed files that can't be read: set aside under another name and removed from the ledger, so that they land again.

Only a file whose content is damaged is set aside. A file that is missing, or that can't be read because of the disk or
its permissions, stays in the ledger: the folder may not be mounted, and landing everything again would not help."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from meta_pipeline.files.locations import Location, folder_of, is_cold, name_of
from meta_pipeline.records import SNAPSHOT_DAY, LandedFile
from meta_pipeline.store.landed import day_versions, ledger, zones

ENDING = ".corrupt"
# Per report and node; beyond this number the oldest are removed.
MOST_KEPT = 20
# The folder of earlier versions of days, beside those that are current.
VERSIONS = "versions"


class SetAside(NamedTuple):
    """A file that was set aside, with its report and node; `day`: ISO, from its name; for a cold file the month,
    `2026-01`."""

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
    """Set aside a landed file, or an earlier version of a day, and remove it from the ledger, with all days of a cold
    file; return its new location."""
    target = set_aside(file.path)
    if is_cold(file.path):
        zones.remove_file(engine, file.path)
    else:
        (day_versions.remove if _is_earlier_version(file) else ledger.remove)(engine, file)
    return target


def not_landed_again(root: Location, engine: sa.Engine) -> Iterator[SetAside]:
    """Yield the files set aside under `root` whose day, or one of whose days, has not landed since."""
    for path in sorted(Path(root).glob(f"*/*/*{ENDING}")):
        report, node_id, name = path.parts[-3:]
        file = SetAside(str(path), report, node_id, name.partition(".")[0])
        replacement = path.with_name(name.removesuffix(ENDING))
        if not (_has_month(engine, file) if is_cold(str(replacement)) else replacement.exists()):
            yield file


def _has_month(engine: sa.Engine, file: SetAside) -> bool:
    """Return True if every day of the month of a cold file is in the ledger."""
    days = _days_of(file.day)
    return len(ledger.find_days(engine, report=file.report, node_id=file.node_id, days=days)) == len(days)


def _days_of(month: str) -> list[dt.date]:
    first = dt.date.fromisoformat(f"{month}-01")
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return [first + dt.timedelta(days=number) for number in range((following - first).days)]


def how_to_land_again(file: LandedFile) -> str:
    """Return the remedy for a day whose file was set aside."""
    if _is_earlier_version(file):
        content = "it held earlier versions of days" if is_cold(file.path) else "it was an earlier version of that day"
        return f"{content}, which can't be read again"
    return _remedy(file.report, file.node_id, label_of(file))


def label_of(file: LandedFile) -> str:
    """Return the day of a file, or the month of a cold file."""
    return name_of(file.path).partition(".")[0] if is_cold(file.path) else str(file.day)


def describe(file: SetAside) -> str:
    """Return a sentence about a file that was set aside, with the remedy."""
    return (
        f"{file.location} could not be read and was set aside; {_remedy(file.report, file.node_id, file.day)}"
    )


def _is_earlier_version(file: LandedFile) -> bool:
    return name_of(folder_of(file.path)) == VERSIONS


def _remedy(report: str, node_id: str, day: str) -> str:
    if day == str(SNAPSHOT_DAY):
        return f"the next backfill of {node_id} reads that listing again"
    is_month = len(day) == len("2026-01")
    since, until = (_days_of(day)[0], _days_of(day)[-1]) if is_month else (day, day)
    return (
        f"read {'its days' if is_month else 'that day'} again: meta-pipeline backfill "
        f"--since {since} --until {until} --node {node_id} --report {report}"
    )


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
