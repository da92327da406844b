"""The wording of the pages."""

from __future__ import annotations

import pytest

from meta_pipeline import money
from meta_pipeline.web import words


@pytest.mark.parametrize(("value", "currency", "text"), [
    ("1234.5", "USD", "1,234.50 USD"), ("1234.5", "JPY", "1,234 JPY"), ("1234.5", "KWD", "1,234.500 KWD"),
    ("1234.5", "HUF", "1,234 HUF"), ("1234.5", "UGX", "1,234 UGX"), ("1234.5", "", "1,234.50"), ("n/a", "USD", "n/a USD"),
])
def test_amounts_have_the_decimals_of_their_currency(value: str, currency: str, text: str) -> None:
    assert words.amount(value, currency) == text


def test_pages_and_commands_have_one_list_of_decimals() -> None:
    assert {currency: money.decimals_of(currency) for currency in ("HUF", "BHD", "KWD", "XOF", "CLF", "EUR")} == {
        "HUF": 0, "BHD": 2, "KWD": 3, "XOF": 0, "CLF": 4, "EUR": 2,
    }


def test_figures_have_labels() -> None:
    figures = {"impressions": "1200", "clicks": "30", "spend": "5", "account_currency": "EUR", "new_metric": "7"}

    assert words.figures(figures) == [
        ("Impressions", "1,200"), ("Clicks", "30"), ("Spend", "5.00 EUR"), ("New metric", "7"),
    ]

