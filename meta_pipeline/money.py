"""Amounts of money for people, with the decimals and separators of their currency. Programs read exact digits."""

from __future__ import annotations

import csv
import functools
from decimal import Decimal

from meta_pipeline.project import dbt_project_folder

# ISO 4217's decimals, where they are not two, for the currencies that Meta's list of offsets lacks (decision 0023).
_ISO_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts in this currency have: by Meta's offset, or by ISO 4217 without one."""
    offset = _offsets().get(currency.upper())
    if offset is None:
        return _ISO_DECIMALS.get(currency.upper(), 2)
    return len(str(offset)) - 1


def amount(value: Decimal, currency: str) -> str:
    """Return `value` with thousands separators, rounded to the currency's decimals."""
    return f"{value:,.{decimals_of(currency)}f}" if value.is_finite() else str(value)


def plain(value: Decimal) -> str:
    """Return a number that is not money with every digit and no trailing 0."""
    return f"{value:.{max(0, -_exponent(value))}f}" if value.is_finite() else str(value)


def _exponent(value: Decimal) -> int:
    """Return the exponent of the last digit that is not 0; `normalize` would round to 28 digits."""
    _, digits, exponent = value.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros if isinstance(exponent, int) and value else 0


@functools.cache
def _offsets() -> dict[str, int]:
    """Return Meta's offsets, minor units to one unit of the currency, from dbt's seed: the only list of them."""
    try:
        with (dbt_project_folder() / "seeds" / "currency_offsets.csv").open(encoding="utf-8", newline="") as file:
            return {row["currency"]: int(row["minor_units"]) for row in csv.DictReader(file)}
    except OSError:  # installed without the dbt project: ISO's decimals are close enough to print with
        return {}
