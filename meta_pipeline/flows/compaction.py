"""Compact the landing: write each node's finished months to cold files, then remove the orphans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from meta_pipeline.landing import orphans
from meta_pipeline.landing.compaction import Compacted, compact_node, first_hot_day
from meta_pipeline.landing.landing import Landing
from meta_pipeline.landing.orphans import Orphans
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """The result of a compaction. `busy`: nodes that were skipped because another run uses them."""

    compacted: Compacted
    removed: Orphans
    busy: tuple[str, ...] = ()

    def as_json(self) -> dict[str, int | list[str]]:
        """Return the result under the names that the command line prints and the Dagster UI shows."""
        compacted, removed = self.compacted, self.removed
        return {
            "hot_files": compacted.hot_files, "cold_files": compacted.cold_files,
            "bytes_before": compacted.bytes_before, "bytes_after": compacted.bytes_after,
            "orphans_removed": removed.files, "orphan_bytes": removed.bytes, "foreign_files": removed.foreign,
            "busy": list(self.busy), "problems": list(compacted.problems),
        }


def compact_landing(
    landing: Landing, *, hot_days: int, now: Callable[[], dt.datetime], sleep: Callable[[float], None]
) -> Compaction:
    """Compact days that are older than the hot zone, and remove the orphans. Skip a node that is being landed; wait for
    a load that is running."""
    engine, before = landing.engine, first_hot_day(now().date(), hot_days)
    compacted, busy = Compacted(), list[str]()
    for node_id in zones.nodes_with_hot_files(engine, before=before):
        with leases.hold(engine, zones.FILES_LEASE, now=now, sleep=sleep):
            try:
                with leases.hold(engine, node_id, now=now, sleep=sleep, patience_s=0):
                    compacted += compact_node(landing.root, engine, node_id, before=before)
            except leases.LeaseError:
                busy.append(node_id)
    with leases.hold(engine, zones.FILES_LEASE, now=now, sleep=sleep):
        removed = orphans.remove(landing.root, engine, now=now())
    return Compaction(compacted=compacted, removed=removed, busy=tuple(busy))
