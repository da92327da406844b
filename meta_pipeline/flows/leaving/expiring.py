"""Expire raw data that is older than its customer's ceiling, unless a floor keeps it; and report what expires next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.erasure.retention import Retention, first_kept_days, retention_by_node
from meta_pipeline.flows.leads.answers import write_answers_of
from meta_pipeline.flows.leaving.places import LeavingRuntime
from meta_pipeline.flows.leaving.sealed_counts import expire_sealed
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.landing.expiry import Expired, expire_node
from meta_pipeline.records import NodeLink
from meta_pipeline.sealed.store import SealedStore
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import zones
from meta_pipeline.warehouse import expiry as raw_expiry
from meta_pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """The result of an expiry. `rows`: removed from raw tables; `sealed_records`: leads and messages that changed;
    `busy`: nodes that were skipped because another run uses them."""

    expired: Expired
    rows: int
    sealed_records: int = 0
    busy: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the result under the names that the command line prints and the Dagster UI shows."""
        return {
            "days": self.expired.days, "versions": self.expired.versions, "files": self.expired.files,
            "rows": self.rows, "sealed_records": self.sealed_records, "busy": list(self.busy),
            "problems": list(self.expired.problems),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeExpiry:
    """The days that are kept of a node: its rule, the oldest day that has landed, and the date on which that day
    expires."""

    link: NodeLink
    rule: Retention
    oldest_day: dt.date | None
    expires_on: dt.date | None


def expire_data(
    tenants: Iterable[Tenant],
    *,
    engine: sa.Engine,
    warehouse: Warehouse,
    sealed: Iterable[SealedStore] = (),
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
) -> Expiry:
    """Expire the days of every node that are older than its first kept day: landed files first, then raw tables. Skip a
    node that is being read. Leads and messages expire by the setting of their store as well."""
    first_days = first_kept_days(tenants, list_links(engine), now=now())
    expired, busy = Expired(), list[str]()
    for node_id, before in first_days.items():
        with leases.hold(engine, zones.FILES_LEASE, now=now, sleep=sleep):
            try:
                with leases.hold(engine, node_id, now=now, sleep=sleep, patience_s=0):
                    expired += expire_node(engine, node_id, before=before)
            except leases.LeaseError:
                busy.append(node_id)
    with leases.hold(engine, zones.FILES_LEASE, now=now, sleep=sleep):
        done = {node_id: day for node_id, day in first_days.items() if node_id not in busy}
        rows = raw_expiry.expire(warehouse, engine, done, now=now())
    sealed_records = expire_sealed(sealed, first_days, engine=engine, now=now)
    return Expiry(expired=expired, rows=rows, sealed_records=sealed_records, busy=tuple(busy))


def expire_data_of(runtime: LeavingRuntime) -> Expiry:
    """Expire the data of the runtime's tenants, and write the files of answers again without expired leads."""
    expiry = expire_data(
        runtime.intake.tenants, engine=runtime.engine, warehouse=runtime.warehouse,
        sealed=tuple(runtime.sealed_stores.values()), now=runtime.now, sleep=runtime.sleep,
    )
    if expiry.sealed_records:
        write_answers_of(runtime)
    return expiry


def expiries(tenants: Iterable[Tenant], *, engine: sa.Engine) -> list[NodeExpiry]:
    """Return the days that are kept of every node with a rule, sorted by the date of the next expiry."""
    links, oldest = list_links(engine), zones.oldest_days(engine)
    rules = retention_by_node(tenants, links)
    listed = [
        NodeExpiry(
            link=link, rule=rule, oldest_day=(day := oldest.get(link.id)),
            expires_on=None if day is None or rule.kept_days is None else day + dt.timedelta(days=rule.kept_days + 1),
        )
        for link in links if (rule := rules.get(link.id))
    ]
    return sorted(listed, key=lambda each: (each.expires_on is None, each.expires_on or dt.date.max, each.link.id))
