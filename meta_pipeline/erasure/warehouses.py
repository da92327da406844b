"""Rewrite the DuckDB files, the warehouse and every published copy, without the erased data."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.erasure.landed import NAMING_PEOPLE, without
from meta_pipeline.erasure.mentions import ERASED
from meta_pipeline.files.temporary import discard_left_behind_of
from meta_pipeline.publish import lead_answers, thumbnails
from meta_pipeline.publish.copies.copy_without import LeftOut, count_rows, write_copy
from meta_pipeline.publish.copies.warehouse_copy import attach, replacing
from meta_pipeline.records import LoadError
from meta_pipeline.warehouse.replaced_file import REBUILT, REPLACED, beside, discard
from meta_pipeline.warehouse.transactions import is_locked

POLL_S, PATIENCE_S = 2.0, 3600.0
_SOURCE = "searched"


def left_out_of(plan: ErasurePlan) -> LeftOut:
    """Return the rows and words that a copy of a warehouse leaves out."""
    (report,) = NAMING_PEOPLE
    mentions = plan.mentions
    return LeftOut(
        nodes=plan.node_list, people=plan.people, person_columns=dict(NAMING_PEOPLE.values()),
        without_people=without(plan.of_people, report), word=ERASED, mentions=mentions.is_in,
        without_mentions=mentions.without_in, records=plan.records,
    )


def count(file: Path, plan: ErasurePlan) -> int:
    """Return the number of rows of a file that the plan erases; 0 for a file that does not exist."""
    if not file.exists():
        return 0
    with contextlib.closing(duckdb.connect()) as connection:
        attach(connection, str(file), _SOURCE)
        return count_rows(connection, _SOURCE, left_out_of(plan))


def rewrite(
    file: Path, plan: ErasurePlan, *, is_published: bool = False, sleep: Callable[[float], None]
) -> None:
    """Replace a warehouse file by a copy without the erased data, and remove older copies beside it. Wait while another
    process writes it; readers of a published file keep the file that they have open."""
    for ending in (REPLACED, REBUILT):
        discard(beside(file, ending))
    shutil.rmtree(beside(file, ".tmp"), ignore_errors=True)
    if not file.exists():
        return
    discard_left_behind_of(str(file))
    waited = 0.0
    while True:
        try:
            with replacing(str(file)) as new:
                target = new.reserve()
                write_copy(file, target, left_out_of(plan), is_exclusive=not is_published)
                new.keep_permissions()
                if (log := beside(file, ".wal")).exists():  # written between the copy and its rename
                    raise LoadError(f"{file} was written during the copy: {log} exists")
            return
        except (duckdb.Error, LoadError) as error:
            if waited >= PATIENCE_S or (isinstance(error, duckdb.Error) and not is_locked(error)):
                raise LoadError(f"can't rewrite {file}: {str(error).splitlines()[0]}") from error
        sleep(POLL_S)
        waited += POLL_S


def published_files(published: Path) -> list[Path]:
    """Return the complete published file and those of tenants that exist."""
    folders = sorted(path for path in published.parent.glob("*") if path.is_dir()) if published.parent.exists() else []
    files = [published, *(folder / published.name for folder in folders)]
    return [file for file in files if file.is_file()]


def remove_published(file: Path) -> None:
    """Remove a tenant's published file with its thumbnails and its folder."""
    thumbnails.remove_all(str(file))
    lead_answers.remove_all(str(file.parents[1] / file.name), file.parent.name)
    discard(file)
    with contextlib.suppress(OSError):
        file.parent.rmdir()


def remove_unused_pictures(file: Path) -> None:
    """Remove the thumbnails beside a published file that it no longer refers to."""
    with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
        names = thumbnails.names_in(connection)
    thumbnails.remove_unused(str(file), names)
