"""The operator's exchange rates: which lines are refused, and when the warehouse has them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.exchange_rates import check_exchange_rates
from meta_pipeline.publish.copies.node_columns import SHARED
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import node_links
from meta_pipeline.warehouse.copied import exchange_rates
from meta_pipeline.warehouse.copied.exchange_rates import NO_RATES, Rate, RateSettings, parse_rates
from meta_pipeline_tests.warehouse.place import NOW, Place

HEADER = "date,currency,rate\n"
JPY = Rate("JPY", dt.date(2026, 11, 1), Decimal("0.0061"), "EUR")
UNIT = Rate("EUR", dt.date(1970, 1, 1), Decimal(1), "EUR")


def parsed(lines: str) -> list[Rate]:
    return parse_rates(HEADER + lines, "EUR", source="rates.csv")


def test_a_file_may_have_a_mark_spaces_blank_lines_and_the_reporting_currency_itself() -> None:
    text = "\ufeffdate, currency ,rate\r\n2026-11-01, JPY ,0.0061\r\n\r\n\"2026-11-01\",\"EUR\",1.0\r\n"

    assert parse_rates(text, "EUR", source="rates.csv") == [JPY]
    assert parsed("2026-11-01,IDR,0.000053123456\n2026-11-01,KWD,12345678.5")[0].rate == Decimal("0.000053123456")


@pytest.mark.parametrize(("lines", "sentence"), [
    ("2026-11-01,JPY", "line 2: it has 2 fields, not 3"),
    ("2026-11-01,USD,0.9\n01.11.2026,JPY,0.0061", "line 3: '01.11.2026' is not a date such as 2026-11-20"),
    ("20261101,JPY,0.0061", "line 2: '20261101' is not a date"),
    ("2026-02-30,JPY,0.0061", "line 2: '2026-02-30' is not a date"),
    ("9999-01-01,JPY,0.0061", "line 2: '9999-01-01' is not a date"),
    ("2026-11-01,yen,0.0061", "line 2: 'yen' is not a currency such as USD"),
    ("2026-11-01,JPY,0", "line 2: '0' is not a rate"),
    ("2026-11-01,JPY,-1", "line 2: '-1' is not a rate"),
    ("2026-11-01,JPY,1e3", "line 2: '1e3' is not a rate"),
    ("2026-11-01,JPY,NaN", "line 2: 'NaN' is not a rate"),
    ("2026-11-01,JPY,\"0,0061\"", "line 2: '0,0061' is not a rate"),
    ("2026-11-01,JPY,123456789", "line 2: '123456789' is not a rate"),
    ("2026-11-01,EUR,1.1", "line 2: EUR is the reporting currency, whose rate is 1"),
    ("2026-11-01,JPY,0.0061\n\n2026-11-01,JPY,0.0062", "line 4: JPY on 2026-11-01 is in line 2, too"),
    ("2026-11-01,JPY,\"0.0061", "line 2: unexpected end of data"),
])
def test_an_invalid_line_is_named(lines: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=r"^rates\.csv, ") as raised:
        parsed(lines)
    assert sentence in str(raised.value)


def test_a_file_is_bounded_and_needs_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "currency,date,rate\n", "date;currency;rate\n"):
        with pytest.raises(ConfigError, match="line 1: the header must be date,currency,rate"):
            parse_rates(text, "EUR", source="rates.csv")
    with pytest.raises(ConfigError, match="longer than"):
        parse_rates(HEADER + " " * 16_000_000, "EUR", source="rates.csv")
    monkeypatch.setattr(exchange_rates, "MOST_RATES", 1)
    with pytest.raises(ConfigError, match="more than 1 rates"):
        parsed("2026-11-01,JPY,0.0061\n2026-11-02,JPY,0.0061")


def test_without_a_file_only_the_reporting_currency_has_a_rate_and_a_file_needs_one(tmp_path: Path) -> None:
    assert NO_RATES.read() == frozenset()
    assert RateSettings(reporting_currency="EUR").read() == {UNIT}
    for wrong, sentence in (
        (RateSettings(tmp_path / "rates.csv"), "needs META_PIPELINE_REPORTING_CURRENCY"),
        (RateSettings(tmp_path / "none.csv", "EUR"), "META_PIPELINE_EXCHANGE_RATES: .*none.csv can't be read"),
        (RateSettings(reporting_currency="euro"), "META_PIPELINE_REPORTING_CURRENCY must be a code"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            wrong.read()


def test_a_load_takes_over_a_changed_file_and_logs_the_currencies_that_changed(tmp_path: Path) -> None:
    place, file = Place(tmp_path), tmp_path / "rates.csv"
    place.land({"ad_id": "A", "spend": "1"})
    place.load()
    assert place.warehouse.is_current(place.engine)

    file.write_text(HEADER + "2026-11-01,JPY,0.0061\n2026-11-01,USD,0.9\n")
    place.warehouse.rates = RateSettings(file, "EUR")
    assert not place.warehouse.is_current(place.engine)
    place.load()
    assert place.warehouse.is_current(place.engine)
    assert len(place.rows("from raw_meta_pipeline.exchange_rates")) == 3

    file.write_text(HEADER + "2026-11-01,JPY,0.0061\n2026-11-01,USD,0.91\n")
    place.load()
    changed = "select node_id from raw_meta_pipeline.changes where report = 'exchange_rates' and load_number = 3"
    assert place.rows(changed) == [("USD",)]
    assert place.rows("select rate from raw_meta_pipeline.exchange_rates where currency = 'USD'") == [(Decimal("0.91"),)]

    file.write_text(HEADER + "2026-11-01,JPY,none\n")
    place.land({"ad_id": "A", "spend": "2"})
    with pytest.raises(ConfigError, match="line 2"):
        place.load()
    place.warehouse.rates = NO_RATES
    place.load()
    assert place.rows("from raw_meta_pipeline.exchange_rates") == []


def test_every_tenant_has_the_rates() -> None:
    assert "raw_meta_pipeline.exchange_rates" in SHARED


def test_doctor_names_a_wrong_line_and_currencies_without_a_rate(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    settings = Settings(home=tmp_path, exchange_rates=file, reporting_currency="EUR", _env_file=None)

    file.write_text(HEADER + "2026-11-01,JPY,0.0061\n")
    (good,) = check_exchange_rates(Runtime(settings))
    assert (good.is_ok, good.message) == (True, "1 currency into EUR, the newest rate is from 2026-11-01")
    links = [
        NodeLink(kind="ad_account", id=f"act_{currency}", name="", access="owned", owner_business=None, tasks=(),
                 timezone="Etc/UTC", currency=currency, token_ref="t")
        for currency in ("EUR", "USD", "JPY")
    ]
    node_links.save(Runtime(settings).engine, links, now=NOW)
    (incomplete,) = check_exchange_rates(Runtime(settings))
    assert not incomplete.is_ok and "no rates for USD: add them to META_PIPELINE_EXCHANGE_RATES" in incomplete.message
    file.write_text(HEADER + "2026-11-01,JPY\n")
    (bad,) = check_exchange_rates(Runtime(settings))
    assert not bad.is_ok and "line 2: it has 2 fields" in bad.message
    assert list(check_exchange_rates(Runtime(Settings(home=tmp_path, _env_file=None)))) == []
