"""Add up what a landed file amounts to, for people who watch days land; the marts are what counts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq


class _Delivery(msgspec.Struct):
    """What every insights row may have; Meta sends numbers as text."""

    spend: str | float | None = None
    impressions: str | int | None = None


_decode = msgspec.json.Decoder(_Delivery).decode


def totals_of(path: Path) -> dict[str, float]:
    """Return spend and impressions of a landed file of insights; nothing for what no row has or what can't be read."""
    sums: dict[str, Decimal] = {}
    try:
        for payload in pq.read_table(path, columns=["payload"]).column("payload").to_pylist():
            row = _decode(payload)
            for name, value in (("spend", row.spend), ("impressions", row.impressions)):
                if value is not None:
                    sums[name] = sums.get(name, Decimal(0)) + Decimal(str(value))
    except (OSError, pa.ArrowInvalid, msgspec.MsgspecError, InvalidOperation):
        return {}
    return {name: float(value) for name, value in sums.items()}
