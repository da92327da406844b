"""The files of tenants, written from the complete published file; those of former tenants are removed."""

from __future__ import annotations

import contextlib

import duckdb

from meta_pipeline.files import linked as linked_files
from meta_pipeline.files import listing, reading
from meta_pipeline.files.locations import Location, folder_of, join, name_of
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.publish import thumbnails
from meta_pipeline.publish.copies import tenant_file
from meta_pipeline.publish.copies.warehouse_copy import attach, has_relation, linked_nodes, opened, replacing
from meta_pipeline.publish.policy import PublishPolicy, location_of
from meta_pipeline.publish.publication import TABLE, Stamp, write_publication


def publish_tenants(
    complete: Location, stamp: Stamp, policy: PublishPolicy
) -> tuple[dict[str, Location], list[str]]:
    """Replace the file of each tenant; return their locations, and a sentence for each table that is left empty."""
    locations: dict[str, Location] = {}
    warnings: list[str] = []
    for tenant in policy.tenants:
        locations[tenant.name] = location_of(complete, tenant.name)
        warnings += _publish_tenant(complete, tenant, stamp, policy)
    return locations, list(dict.fromkeys(warnings))


def _publish_tenant(complete: Location, tenant: Tenant, stamp: Stamp, policy: PublishPolicy) -> list[str]:
    location = location_of(complete, tenant.name)
    with replacing(location) as file:
        with opened(file.reserve()) as connection:
            attach(connection, complete, tenant_file.SOURCE)
            connection.execute(f"use {tenant_file.SOURCE}")
            linked = linked_nodes(connection)
            connection.execute("use warehouse")
            warnings = tenant_file.fill(connection, nodes=tenant.nodes_among(linked), linked=linked)
            connection.execute(f"detach {tenant_file.SOURCE}")
            write_publication(connection, stamp, tenant=tenant.name)
            pictures = thumbnails.names_in(connection)
        file.keep_permissions()
        if policy.landing is not None:
            thumbnails.put_beside(location, pictures, landing=policy.landing)
    thumbnails.remove_unused(location, pictures)
    return warnings


def remove_former_tenants(complete: Location, policy: PublishPolicy) -> list[str]:
    """Remove the files of tenants that the settings no longer name, with their thumbnails; return the names.

    A file is removed only if its `marts.publication` names the tenant of its folder: others may use the location,
    too."""
    current = {tenant.name for tenant in policy.tenants}
    removed: list[str] = []
    for name in listing.folders_in(folder_of(complete)):
        location = join(folder_of(complete), name, name_of(complete))
        if name not in current and reading.exists(location) and _tenant_of(location) == name:
            thumbnails.remove_all(location)
            linked_files.remove_with_empty_folder(location)
            removed.append(name)
    return removed


def _tenant_of(location: Location) -> str | None:
    """Return the tenant that the `marts.publication` of a file names; None for any other file."""
    try:
        with contextlib.closing(duckdb.connect(reading.duckdb_location(location), read_only=True)) as connection:
            is_ours = has_relation(connection, *TABLE.split("."))
            rows = connection.execute(f"select tenant from {TABLE}").fetchall() if is_ours else []
    except duckdb.Error:
        return None
    return rows[0][0] if rows else None
