"""The policy of publication: for which tenants, and whether failed accounts are held back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from meta_pipeline.digests import short_hash
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location, folder_of, join, name_of
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.publish.publication import read_ids
from meta_pipeline.records import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPolicy:
    """The settings of a publication. `pins`: the version of each surface of Meta; `landing`: where thumbnails are."""

    tenants: tuple[Tenant, ...] = ()
    holds_failed: bool = False
    pins: Mapping[Literal["graph", "marketing"], str] = field(default_factory=dict)
    landing: Location | None = None

    @property
    def digest(self) -> str:
        """Return a digest of what decides which files are published and what is in them."""
        tenants = [
            [tenant.name, sorted(tenant.businesses), sorted(tenant.nodes), sorted(tenant.lead_viewers)]
            for tenant in self.tenants
        ]
        return short_hash(json.dumps([tenants, self.holds_failed]).encode())


def location_of(published: Location, tenant: str) -> Location:
    """Return the location of a tenant's file, beside the complete one."""
    return join(folder_of(published), tenant, name_of(published))


def location_for(published: Location, tenant: str | None, tenants: tuple[Tenant, ...]) -> Location:
    """Return the location of the complete file, or of a tenant's. Raise ConfigError, which lists the tenants, for an
    unknown name."""
    if tenant is None:
        return published
    names = [each.name for each in tenants]
    if not names:
        raise ConfigError("there are no tenants: META_PIPELINE_TENANTS names no file, or a file without tenants")
    if tenant not in names:
        raise ConfigError(f"there is no tenant {tenant[:80]!r}: there are {', '.join(names)}")
    return location_of(published, tenant)


def is_applied(published: Location, policy: PublishPolicy) -> bool:
    """Return True if the published file and the file of every tenant are from one publication with this policy."""
    if not reading.exists(published) or (ids := read_ids(published)) is None or ids[1] != policy.digest:
        return False
    return all(read_ids(location_of(published, tenant.name)) == ids for tenant in policy.tenants)
