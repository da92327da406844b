"""The published warehouse: a snapshot that readers may open at any time, and one for each tenant, each replaced in one
step."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.intake.tenants import warnings_about
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish import thumbnails
from meta_pipeline.publish.copies.held import Held, failed_nodes, hold_back, record_publications
from meta_pipeline.publish.copies.warehouse_copy import linked_nodes, opened, replacing
from meta_pipeline.publish.freshness import project_digest
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publication import Stamp, write_publication
from meta_pipeline.publish.tenants_published import publish_tenants, remove_former_tenants
from meta_pipeline.records import LoadError


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The result of a publication: the complete file, the files of tenants by name, the nodes that were held back, the
    tenants whose files were removed, and warnings about the settings of tenants."""

    location: Location
    size: int
    build_id: str
    tenants: dict[str, Location]
    held: tuple[Held, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def publish(
    warehouse: Path, published: Location, *, now: dt.datetime, policy: PublishPolicy | None = None
) -> Publication:
    """Replace the published file by a copy of the warehouse, and the files of tenants. A reader that has an earlier
    file open keeps reading it. Raise LoadError if a file can't be written; the earlier one stays then."""
    policy = policy or PublishPolicy()
    stamp = Stamp(
        build_id=secrets.token_hex(8), built_at=now, project_digest=project_digest(dbt_project_folder())[:16],
        settings_digest=policy.digest, pins=policy.pins,
    )
    if not warehouse.exists():  # DuckDB would create an empty file
        raise LoadError(f"can't publish {warehouse}: it does not exist; run `meta-pipeline build`")
    try:
        held, warnings = _publish_complete(warehouse, published, stamp, policy)
        tenants, more = publish_tenants(published, stamp, policy)
        removed = remove_former_tenants(published, policy)
    except (OSError, duckdb.Error) as error:
        cause = str(error).splitlines()[0]
        raise LoadError(f"can't publish to {published}: {cause}; the earlier publication stays") from error
    return Publication(
        location=published, size=reading.size_of(published), build_id=stamp.build_id, tenants=tenants,
        held=tuple(held), removed=tuple(removed), warnings=(*warnings, *more),
    )


def _publish_complete(
    warehouse: Path, published: Location, stamp: Stamp, policy: PublishPolicy
) -> tuple[list[Held], list[str]]:
    """Publish the complete file; return the nodes that it holds back, and warnings about the settings of tenants."""
    with replacing(published) as file:
        with _unchanged(warehouse):
            file.copy_from(warehouse)
        with opened(Path(file.temporary)) as connection:
            linked = linked_nodes(connection)
            held: list[Held] = []
            if policy.holds_failed:
                held = hold_back(connection, failed_nodes(connection), previous=published)
            record_publications(connection, held, build_id=stamp.build_id, at=stamp.built_at)
            write_publication(connection, stamp, tenant=None)
            pictures = thumbnails.names_in(connection)
        if policy.landing is not None:
            thumbnails.put_beside(published, pictures, landing=policy.landing)
    thumbnails.remove_unused(published, pictures)
    return held, warnings_about(policy.tenants, linked)


@contextlib.contextmanager
def _unchanged(warehouse: Path) -> Iterator[None]:
    """Keep other processes from writing the warehouse during the block, after a checkpoint.

    Without the checkpoint, a copy of the file would silently miss the rows that are still in the write-ahead log."""
    try:
        with contextlib.closing(duckdb.connect(str(warehouse))) as connection:
            connection.execute("checkpoint")
        with contextlib.closing(duckdb.connect(str(warehouse), read_only=True)):
            if Path(f"{warehouse}.wal").exists():  # written between the two
                raise LoadError(
                    f"can't publish {warehouse}: another process writes it; run `meta-pipeline build` again"
                )
            yield
    except duckdb.Error as error:
        raise LoadError(f"can't publish {warehouse}: {str(error).splitlines()[0]}") from error
