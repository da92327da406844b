"""The time for which raw data of a node is kept, from the agreements of its tenants. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.records import NodeLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The rule for one node: the longest floor and the shortest ceiling of its tenants, in days; None where no tenant
    states one."""

    floor_days: int | None = None
    ceiling_days: int | None = None
    tenants: tuple[str, ...] = ()

    @property
    def kept_days(self) -> int | None:
        """Return for how many days a day is kept: the ceiling, or a longer floor. None: forever."""
        return None if self.ceiling_days is None else max(self.ceiling_days, self.floor_days or 0)

    def first_day(self, today: dt.date) -> dt.date | None:
        """Return the first day that is kept; None when every day is."""
        return None if self.kept_days is None else today - dt.timedelta(days=self.kept_days)

    @property
    def is_floor_longer(self) -> bool:
        """Return whether one tenant's floor keeps data beyond another one's ceiling."""
        return self.ceiling_days is not None and (self.floor_days or 0) > self.ceiling_days


def retention_by_node(tenants: Iterable[Tenant], links: Iterable[NodeLink]) -> Mapping[str, Retention]:
    """Return the rule for each node of a tenant that states one."""
    rules: dict[str, Retention] = {}
    nodes = [Node(link.kind, link.id, link.owner) for link in links]
    for tenant in tenants:
        if tenant.retention_floor_days is None and tenant.retention_ceiling_days is None:
            continue
        for node in tenant.nodes_among(nodes):
            before = rules.get(node.id, Retention())
            rules[node.id] = Retention(
                floor_days=max(_stated(before.floor_days, tenant.retention_floor_days), default=None),
                ceiling_days=min(_stated(before.ceiling_days, tenant.retention_ceiling_days), default=None),
                tenants=(*before.tenants, tenant.name),
            )
    return rules


def first_kept_days(
    tenants: Iterable[Tenant], links: Iterable[NodeLink], *, now: dt.datetime
) -> Mapping[str, dt.date]:
    """Return the first day that is kept, on its own calendar, of each node whose days expire."""
    links = list(links)
    rules = retention_by_node(tenants, links)
    return {
        link.id: day for link in links
        if link.id in rules and (day := rules[link.id].first_day(link.today(now))) is not None
    }


def _stated(*days: int | None) -> list[int]:
    return [each for each in days if each is not None]
