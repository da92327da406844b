"""Amounts of money for people, with the decimals and separators of their currency. Programs read exact digits."""

from __future__ import annotations

import csv
import functools
from decimal import Decimal
from pathlib import Path

# dbt's seed of Meta's offsets (minor units to one of the currency) is the only list of them.
_OFFSETS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds" / "currency_offsets.csv"
# ISO 4217 currencies with three decimals, for those that Meta's list lacks.
_THREE_DECIMALS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts in this currency have."""
    offset = _offsets().get(currency.upper())
    if offset is None:
        return 3 if currency.upper() in _THREE_DECIMALS else 2
    return len(str(offset)) - 1


def amount(value: Decimal, currency: str) -> str:
    """Return `value` with thousands separators, rounded to the currency's decimals."""
    return f"{value:,.{decimals_of(currency)}f}" if value.is_finite() else str(value)


def plain(value: Decimal) -> str:
    """Return a number that is no money with every digit and no trailing 0."""
    return f"{value:.{max(0, -_exponent(value))}f}" if value.is_finite() else str(value)


def _exponent(value: Decimal) -> int:
    """Return the exponent of the last digit that is not 0; `normalize` would round to 28 digits."""
    _, digits, exponent = value.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros if isinstance(exponent, int) and value else 0


@functools.cache
def _offsets() -> dict[str, int]:
    try:
        with _OFFSETS.open(encoding="utf-8", newline="") as file:
            return {row["currency"]: int(row["minor_units"]) for row in csv.DictReader(file)}
    except OSError:  # installed without the dbt project: ISO's decimals are close enough to print with
        return {}
