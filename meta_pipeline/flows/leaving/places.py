"""The places that an erasure changes, and the stored facts that its plan needs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.consent.sign_in_link import person_digest
from meta_pipeline.erasure import landed
from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.erasure.plan import Stored
from meta_pipeline.extract.reports import Reports, kind_of
from meta_pipeline.files import reading
from meta_pipeline.flows.leaving.customers import invited
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.sealed.people import spellings_in
from meta_pipeline.sealed.record import PersonalRecord, texts_in, writers_of
from meta_pipeline.sealed.store import SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import access, grants
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.landed import zones
from meta_pipeline.store.leaving.erased_rows import Owners
from meta_pipeline.store.nodes import business_assets, history
from meta_pipeline.vault.vault import Vault
from meta_pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Places:
    """The locations of all data, and the dependencies of the steps. `operators_files` are never changed; `dagster_url`:
    of Dagster's Postgres, None for its SQLite files; `member_digest` computes the digest of an address that signs in,
    None while nobody can sign in."""

    home: Path
    landing: str
    warehouse: Path
    published: Path
    dagster_url: str | None
    operators_files: tuple[Path, ...]
    engine: sa.Engine
    tokens: Vault
    intake: Intake
    member_digest: Callable[[str], str] | None
    reports: Reports
    sealed: tuple[SealedStore, ...]
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]

    @property
    def tenants(self) -> tuple[Tenant, ...]:
        return self.intake.tenants

    def sealed_store(self, name: str) -> SealedStore:
        """Return the store of this name."""
        return next(store for store in self.sealed if store.name == name)

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"


class LeavingRuntime(Protocol):
    """The parts of the process's runtime that erasures and expiries use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def engine(self) -> sa.Engine: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def warehouse(self) -> Warehouse: ...
    @property
    def sealed_stores(self) -> Mapping[str, SealedStore]: ...
    @property
    def now(self) -> Callable[[], dt.datetime]: ...
    @property
    def sleep(self) -> Callable[[float], None]: ...


def places_of(runtime: LeavingRuntime) -> Places:
    """Return the places that the settings of a runtime name."""
    settings = runtime.settings
    dagster_url, secret = settings.dagster_postgres_url, settings.app_secret
    files = (settings.tenants, settings.exchange_rates, settings.reports, settings.metrics, settings.versions)
    return Places(
        home=settings.root, landing=settings.landing_root, warehouse=settings.warehouse_file,
        published=reading.path_of(settings.published_file),
        dagster_url=dagster_url.get_secret_value() if dagster_url else None,
        operators_files=tuple(file.expanduser().resolve() for file in files if file is not None),
        engine=runtime.engine, tokens=runtime.vault, intake=runtime.intake, reports=runtime.reports,
        sealed=tuple(runtime.sealed_stores.values()),
        member_digest=functools.partial(person_digest, key=secret.get_secret_value()) if secret else None,
        now=runtime.now, sleep=runtime.sleep,
    )


def stored_facts(places: Places) -> Stored:
    """Return the facts in the control store that a plan needs."""
    kinds = {
        node_id: (kind_of(places.reports[report]) if report in places.reports else AD_ACCOUNT).name
        for node_id, report in zones.nodes_with(places.engine).items()
    }
    return Stored(
        refs=places.tokens.refs(retired=True, replaced=True), links=list_links(places.engine),
        access=access.by_source_token(places.engine), people_names=grants.names_by_person(places.engine),
        landed_kinds=kinds, earlier_names=history.names_by_node(places.engine),
        businesses=business_assets.names_by_token(places.engine),
        assets=business_assets.assets_by_token(places.engine), intake=places.intake,
        invited=invited(places.intake, engine=places.engine),
    )


def completed(plan: ErasurePlan, places: Places) -> ErasurePlan:
    """Add to a plan what only files contain: the thumbnails of its nodes, other names of its people, and the records
    that a person wrote to Pages, with the spellings of their address or number in them."""
    names = landed.names_of_people(places.landing, plan.people)
    written = _written_by(plan.identifiers, places)
    identifiers = frozenset(plan.identifiers) | writers_of(written)
    if identifiers > set(plan.identifiers):
        written = _written_by(identifiers, places)
    spellings = spellings_in((text for record in written for text in texts_in(record.content)), identifiers)
    return dataclasses.replace(
        plan, identifiers=tuple(sorted(identifiers)), names=tuple(sorted({*plan.names, *names, *spellings})),
        pictures=tuple(landed.pictures_of(places.landing, plan.nodes)),
        records=tuple(sorted({record.id for record in written})),
    )


def _written_by(identifiers: Collection[str], places: Places) -> list[PersonalRecord]:
    return [record for store in places.sealed for record in store.find_person(identifiers)]


def owners_of(plan: ErasurePlan, places: Places) -> Owners:
    """Return the owners whose rows in the control store are erased."""
    digest = places.member_digest
    return Owners(
        nodes=plan.nodes, refs=plan.refs, people=plan.people, tenant=plan.tenant,
        members=[digest(email) for email in plan.members] if digest is not None else [],
    )


def overridden_floors(plan: ErasurePlan, tenants: Iterable[Tenant]) -> list[str]:
    """Return a sentence for each retention floor that applies to an erased node; it does not name the tenant."""
    sentences: list[str] = []
    for tenant in tenants:
        nodes = tenant.nodes_among(plan.node_list)
        count = len(plan.nodes) if plan.tenant == tenant.name else len(nodes)
        if tenant.retention_floor_days and count:
            sentences.append(
                f"raw data of {count} of the erased nodes had to be kept for {tenant.retention_floor_days} days: "
                "the erasure overrides that"
            )
    return sentences
