"""The operator's exchange rates: a CSV file, checked line by line, and its copy in the warehouse, which views join."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.tables import OWN_SCHEMA
from meta_pipeline.warehouse.transactions import transaction

TABLE = "exchange_rates"
HEADER = ("date", "currency", "rate")
MOST_RATES = 200_000
_LONGEST_FILE = 16_000_000
_CURRENCY = re.compile(r"[A-Z]{3}")
# The range of `decimal(20, 12)`, so that no product with an amount of money overflows.
_RATE = re.compile(r"[0-9]{1,8}(\.[0-9]{1,12})?")
_FIRST_DAY, _LAST_DAY = dt.date(1970, 1, 1), dt.date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of the reporting currency for one unit of a currency, from a day until the next rate of that currency."""

    currency: str
    day: dt.date
    rate: Decimal
    reporting_currency: str


@dataclass(frozen=True, slots=True)
class RateSettings:
    """The reporting currency and the CSV file of rates; both are optional."""

    file: Path | None = None
    reporting_currency: str | None = None

    def read(self) -> frozenset[Rate]:
        """Return the rates that the file has now, with the rate 1 of the reporting currency itself; none without a
        reporting currency. Raise ConfigError, which names the line, if the file is not valid."""
        target = self.reporting_currency
        if target is None:
            if self.file is not None:
                raise ConfigError("META_PIPELINE_EXCHANGE_RATES needs META_PIPELINE_REPORTING_CURRENCY to be set, too")
            return frozenset()
        if not _CURRENCY.fullmatch(target):
            raise ConfigError("META_PIPELINE_REPORTING_CURRENCY must be a code of ISO 4217 in capitals, such as EUR")
        unit = Rate(target, _FIRST_DAY, Decimal(1), target)
        if self.file is None:
            return frozenset({unit})
        text = read_settings_file(self.file, "EXCHANGE_RATES")
        return frozenset({unit, *parse_rates(text, target, source=str(self.file))})


NO_RATES = RateSettings()


def parse_rates(text: str, reporting_currency: str, *, source: str) -> list[Rate]:
    """Return the rates of this CSV text, in its order, without those of the reporting currency. Raise ConfigError,
    which names `source` and the line, if one is not valid."""
    if len(text) > _LONGEST_FILE:
        raise ConfigError(f"{source} is longer than {_LONGEST_FILE} characters")
    lines: dict[tuple[str, dt.date], int] = {}
    rates: list[Rate] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = tuple(name.strip() for name in next(reader, ()))
        if header != HEADER:
            raise ConfigError(f"{source}, line 1: the header must be {','.join(HEADER)}")
        for row in reader:
            if not row:
                continue
            if len(rates) == MOST_RATES:
                raise ConfigError(f"{source} has more than {MOST_RATES} rates")
            try:
                rate = _parse_row(row, reporting_currency)
            except ValueError as error:
                raise ConfigError(f"{source}, line {reader.line_num}: {error}") from error
            line = reader.line_num
            if (first := lines.setdefault((rate.currency, rate.day), line)) != line:
                raise ConfigError(f"{source}, line {line}: {rate.currency} on {rate.day} is in line {first}, too")
            if rate.currency != reporting_currency:
                rates.append(rate)
    except csv.Error as error:
        raise ConfigError(f"{source}, line {reader.line_num}: {error}") from error
    return rates


def _parse_row(row: list[str], reporting_currency: str) -> Rate:
    """Return the rate of a line; raise ValueError with the reason if it is not valid."""
    if len(row) != len(HEADER):
        raise ValueError(f"it has {len(row)} fields, not {len(HEADER)}")
    written_day, currency, written_rate = (field.strip() for field in row)
    try:
        day = dt.date.fromisoformat(written_day)
    except ValueError:
        day = None
    if day is None or len(written_day) != len("2026-11-20") or not _FIRST_DAY < day < _LAST_DAY:
        raise ValueError(f"{written_day[:20]!r} is not a date such as 2026-11-20")
    if not _CURRENCY.fullmatch(currency):
        raise ValueError(f"{currency[:20]!r} is not a currency such as USD")
    rate = Decimal(written_rate) if _RATE.fullmatch(written_rate) else Decimal(0)
    if not rate:
        raise ValueError(f"{written_rate[:40]!r} is not a rate: above 0, at most 8 digits before the point, 12 after")
    if currency == reporting_currency and rate != 1:
        raise ValueError(f"{currency} is the reporting currency, whose rate is 1")
    return Rate(currency, day, rate, reporting_currency)


def replace_rates(connection: duckdb.DuckDBPyConnection, rates: frozenset[Rate], *, log: ChangeLog) -> None:
    """Replace the rates in the warehouse when they differ, and log the currencies whose rates do."""
    stored = stored_rates(connection)
    if stored == rates:
        return
    rows = sorted((rate.currency, rate.day, rate.rate, rate.reporting_currency) for rate in rates)
    with transaction(connection, "the exchange rates"):
        log.record_nodes(TABLE, {rate.currency for rate in stored.symmetric_difference(rates)})
        connection.execute(f"delete from {OWN_SCHEMA}.{TABLE}")
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(
                f"insert into {OWN_SCHEMA}.{TABLE} "
                "select unnest(?::varchar[]), unnest(?::date[]), unnest(?::decimal(20, 12)[]), unnest(?::varchar[])",
                columns,
            )


def stored_rates(connection: duckdb.DuckDBPyConnection) -> frozenset[Rate]:
    """Return the rates that the warehouse has."""
    query = f"select currency, day, rate, reporting_currency from {OWN_SCHEMA}.{TABLE}"
    return frozenset(Rate(*row) for row in connection.execute(query).fetchall())
