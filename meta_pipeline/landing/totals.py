"""Add up the rows of a landed file for progress output; only the marts are authoritative."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation

import msgspec
import pyarrow as pa

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location


class _Delivery(msgspec.Struct):
    """The metrics of an insights row that are added up; Meta sends numbers as text."""

    spend: str | float | None = None
    impressions: str | int | None = None


_decode = msgspec.json.Decoder(_Delivery).decode


def totals_of(location: Location, day: dt.date | None = None) -> dict[str, float]:
    """Return the total spend and impressions of a landed file of insights, or of one day of a cold file, without a
    metric that no row has; {} if it can't be read."""
    sums: dict[str, Decimal] = {}
    try:
        for payload in reading.read_table(location, ["payload"], day=day).column("payload").to_pylist():
            row = _decode(payload)
            for name, value in (("spend", row.spend), ("impressions", row.impressions)):
                if value is not None:
                    sums[name] = sums.get(name, Decimal(0)) + Decimal(str(value))
    except (OSError, pa.ArrowInvalid, msgspec.MsgspecError, InvalidOperation):
        return {}
    return {name: float(value) for name, value in sums.items()}
