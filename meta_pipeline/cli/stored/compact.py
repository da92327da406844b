"""`compact` in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from meta_pipeline.cli.doctor.check_result import describe_size, list_first
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.flows.compaction import Compaction


def sentences_of(result: Compaction) -> Iterator[str]:
    """Yield what a compaction has done, and what it has left."""
    compacted, removed = result.compacted, result.removed
    if compacted.hot_files:
        yield (
            f"{counted(compacted.hot_files, 'file')} of days and earlier versions went into "
            f"{counted(compacted.cold_files, 'file')} of months: {describe_size(compacted.bytes_before)} before, "
            f"{describe_size(compacted.bytes_after)} now"
        )
    else:
        yield "no month has ended and no old day was read again since the last time: nothing to compact"
    if removed.files:
        yield f"removed {counted(removed.files, 'file')} ({describe_size(removed.bytes)}) that were not in the ledger"
    if removed.foreign:
        yield f"left {counted(removed.foreign, 'file')} that may belong to another control store"
    if result.busy:
        yield f"left {list_first(list(result.busy))} for the next time: another run is using them"
