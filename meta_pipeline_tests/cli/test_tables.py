"""Tables fit the terminal, and no id, date or amount in them is cut."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from meta_pipeline import money
from meta_pipeline.cli import audit
from meta_pipeline.cli.output import tables, terminal
from meta_pipeline.cli.output.layout import Column, fit

DAY = dt.date(2026, 11, 1)
AT = dt.datetime(2026, 11, 27, 9, 20, 1, 123456, tzinfo=dt.UTC)
AD_REPORT: dict[str, Any] = {  # a row of marts.facebook_ads__ad_report, in the order of its columns
    "date_day": DAY, "account_id": "1000000001", "account_name": "Northwind US", "campaign_id": "120230010000001",
    "campaign_name": "Brand awareness in the autumn", "ad_set_id": "120230020000002",
    "ad_set_name": "Women 25 to 44, lookalike of buyers", "ad_id": "120230030000003", "ad_name": "Carousel, blue jacket",
    "ad_status": "CAMPAIGN_PAUSED", "currency": "JPY", "impressions": 123456, "clicks": 789, "clicks_all": 990,
    "link_clicks": 789, "spend": Decimal("3001476.000000"), "reach": 100000, "conversions": Decimal("12.000000"),
    "conversions_value": Decimal("9000001.000000"), "is_provisional": False,
}
WHOLE = ("2026-11-01", "120230010000001", "120230020000002", "120230030000003", "3,001,476", "9,000,001", "123456")


def shown(capsys: pytest.CaptureFixture[str], columns: Sequence[str], rows: Sequence[Sequence[Any]], **options: Any) -> str:
    tables.show(columns, rows, "table", **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 80, 120, 240])
def test_twenty_columns_keep_every_id_and_date_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = shown(capsys, list(AD_REPORT), [list(AD_REPORT.values())] * 5)

    assert all(text.count(whole) >= 5 for whole in WHOLE), text
    assert "…" not in text and all(cell_len(line) <= width for line in text.splitlines())


def test_output_to_a_pipe_has_no_maximum_width(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "columns", lambda: terminal.UNLIMITED)
    header, _rule, row = shown(capsys, list(AD_REPORT), [list(AD_REPORT.values())]).splitlines()

    assert header.split() == list(AD_REPORT) and all(whole in row for whole in WHOLE)


def test_columns_are_left_out_in_the_order_given_and_a_message_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    rows = [("act_1000000001", "2026-11-01", "x" * 20, "y" * 5)]
    tables.show(("id", "day", "long", "short"), rows, "table", optional=("short", "long"))
    printed = capsys.readouterr()
    assert "act_1000000001  2026-11-01" in printed.out and "xxx" not in printed.out
    assert "left out to fit 30 columns: short, long; --wide prints them" in printed.err

    tables.show(("id", "day", "long", "short"), rows, "table", optional=("short", "long"), is_wide=True)
    printed = capsys.readouterr()
    assert "x" * 20 + "  yyyyy" in printed.out and not printed.err


WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)


@given(st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=1, max_size=4), st.integers(10, 200))
def test_no_layout_breaks_a_word_or_is_too_wide(rows: list[list[str]], width: int) -> None:
    columns = [
        Column(name, name, tuple(" ".join((row[at], row[at])) for row in rows), is_text=True)
        for at, name in enumerate("abc")
    ]
    layout = fit(columns, width=width, optional=("c", "b"))
    if layout.widths is None:
        assert len(layout.columns) == 3
        return
    assert sum(layout.widths) + 2 * (len(layout.widths) - 1) <= width
    for column, size in zip(layout.columns, layout.widths, strict=True):
        assert all(cell_len(word) <= size for text in column.cells for word in text.split())


def test_times_are_to_the_minute_in_utc_and_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    kiribati = AT.astimezone(dt.timezone(dt.timedelta(hours=14)))
    assert "2026-11-27 09:20 " in shown(capsys, ["at", "x"], [(kiribati, 1)])
    tables.show(["at"], [(AT,)], "json")
    assert json.loads(capsys.readouterr().out) == [{"at": "2026-11-27T09:20:01.123456+00:00"}]


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("3001476.000000", "JPY", "3,001,476"), ("1234.5", "KWD", "1,234.500"), ("1234567.8", "USD", "1,234,567.80"),
        ("426.907282", "EUR", "426.91"), ("0E-6", "USD", "0.00"), ("-12.3", "CLP", "-12"), ("5", "jpy", "5"),
        ("12345678901234567890123456789012.123456", "USD", "12,345,678,901,234,567,890,123,456,789,012.12"),
        ("NaN", "USD", "NaN"),
    ],
)
def test_money_has_the_decimals_and_separators_of_its_currency(value: str, currency: str, text: str) -> None:
    assert money.amount(Decimal(value), currency) == text


def test_only_amounts_beside_a_currency_are_formatted_as_money(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["currency", "sum(spend)", "conversions", "action_value", "value"]
    row = ["JPY", Decimal("1000.000000"), Decimal("1000.500000"), Decimal("2000.000000"), Decimal("3000.000000")]
    assert shown(capsys, names, [row]).splitlines()[-1].split() == ["JPY", "1,000", "1000.5", "2,000", "3000"]
    assert shown(capsys, ["spend"], [[Decimal("1000.000000")]]).split()[-1] == "1000"


def test_limits_are_named_without_the_app_unless_there_are_several() -> None:
    rows = [{"limit": "app:900000000000001/act_1000000001/ads_insights"}, {"limit": "app:900000000000001/platform"}]
    assert [row["limit"] for row in audit.with_short_names(rows)] == ["act_1000000001 ads_insights", "app platform"]
    other = [*rows, {"limit": "app:2/platform"}]
    assert audit.with_short_names(other) == other


@pytest.mark.parametrize("width", [80, 120])
def test_limits_and_calls_of_the_audit_are_legible_at_80_columns(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    limit = {
        "limit": "app:900000000000001/act_1000000001/custom_audience", "percent_used": 12.3, "percent_a_call": 0.125,
        "closed_until": AT, "read_at": AT,
    }
    tables.show_records(
        audit.LIMIT_COLUMNS, audit.with_short_names([limit]), "table", headers=audit.HEADERS, optional=audit.OPTIONAL
    )
    printed = capsys.readouterr()
    assert "custom_audience" in printed.out and printed.out.count("2026-11-27 09:20") == 2 and not printed.err
    call = {
        "at": AT, "method": "POST", "path": "/v26.0/act_1000000001/insights", "status": 200, "code": None,
        "subcode": None, "fbtrace_id": "AbCdEfGhIjK", "version": "v26.0", "operations": 1, "rows": 500,
        "duration_s": 0.12, "node_id": "act_1000000001", "report": "ad_insights_by_demographics", "run_id": "r" * 36,
            "plan_id": None,
    }
    tables.show_records(audit.CALL_COLUMNS, [call], "table", headers=audit.HEADERS, optional=audit.OPTIONAL)
    text = capsys.readouterr().out
    assert "-[ 1" not in text  # a table, not records
    assert all(whole in text for whole in ("2026-11-27 09:20", "/v26.0/act_1000000001/insights", "500"))
