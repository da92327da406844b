"""SQL that reads the rows of landed files: all of a hot file, and of a cold one those of the days that are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from meta_pipeline.files import reading
from meta_pipeline.files.locations import is_cold
from meta_pipeline.files.reading import LANDED_AT
from meta_pipeline.records import LandedFile

_ALL = "read_parquet(?, hive_partitioning = false)"
_NAMED = "read_parquet(?, filename = true, hive_partitioning = false) as landed"


@dataclass(frozen=True, slots=True)
class LandedRows:
    """A relation in SQL, and its parameters: the files of each of its parts, every file once."""

    sql: str
    parameters: list[list[str]]


def days_in(files: Iterable[LandedFile]) -> LandedRows:
    """Return the rows of these days. The temporary table `changed` must list them with their paths: a cold file also
    has other days, and old rows of days that landed again."""
    return _relation(
        files, hot=f"select * from {_ALL}",
        cold=f"select landed.* exclude (filename) from {_NAMED} "
        "semi join changed on changed.path = landed.filename and changed.day = landed.day",
    )


def versions_in(files: Iterable[LandedFile]) -> LandedRows:
    """Return the rows of these versions, with `landed_at` and `replaced_at` of the temporary table `added`, which has
    the path of each."""
    times = "added.landed_at, added.replaced_at"
    return _relation(
        files, hot=f"select landed.*, {times} from {_NAMED} join added on added.path = landed.filename",
        cold=f"select landed.* exclude ({LANDED_AT}), {times} from {_NAMED} join added "
        f"on added.path = landed.filename and added.day = landed.day and added.landed_at = landed.{LANDED_AT}",
    )


def one_in(file: LandedFile, *, is_version: bool) -> LandedRows:
    """Return the rows of one day, or of one version."""
    path = [reading.duckdb_location(file.path)]
    if not is_cold(file.path):
        return LandedRows(f"(from {_ALL})", [path])
    condition = f"day = date '{file.day}'"
    if is_version:
        condition += f" and {LANDED_AT} = timestamptz '{file.landed_at.isoformat()}'"
    return LandedRows(f"(from {_ALL} where {condition})", [path])


def _relation(files: Iterable[LandedFile], *, hot: str, cold: str) -> LandedRows:
    paths = list(dict.fromkeys(file.path for file in files))
    parts = [
        (sql, of_zone) for sql, of_zone in (
            (hot, [path for path in paths if not is_cold(path)]), (cold, [path for path in paths if is_cold(path)])
        ) if of_zone
    ]
    return LandedRows(
        f"({' union all by name '.join(sql for sql, _ in parts)})",
        [[reading.duckdb_location(path) for path in of_zone] for _, of_zone in parts],
    )
