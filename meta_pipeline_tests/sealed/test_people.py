"""Identifiers of people: an address or a number in another spelling identifies the same person."""

from __future__ import annotations

import pytest

from meta_pipeline.sealed.people import identifiers_in, identifiers_of


@pytest.mark.parametrize(("written", "named"), [
    ("ann@example.com", "Ann@Example.COM "),
    ("write to ann@example.com.", "ann@example.com"),
    ("＋４９ １７１ ２３４ ５６７８", "+491712345678"),
    ("+49 (171) 234-56 78", "0049 171 2345678"),
    ("0171 2345678", "+49 171 2345678"),
    ("0171/2345678", "01712345678"),
    ("call 555 123 4567 today", "+1 (555) 123-4567"),
])
def test_a_person_is_recognized_in_another_spelling(written: str, named: str) -> None:
    assert identifiers_in([written]) & identifiers_of(named)


@pytest.mark.parametrize(("written", "named"), [
    ("ann@example.com", "joann@example.com"),
    ("+49 171 2345678", "+44 171 2345678"),
    ("+49 171 2345678", "+49 171 2345679"),
    ("order 12", "12"),
    ("", "ann@example.com"),
])
def test_another_person_is_not_recognized(written: str, named: str) -> None:
    assert not identifiers_in([written]) & identifiers_of(named)


@pytest.mark.parametrize("text", ["", "Ann Example", "@", "12", "+" * 50, "1" * 40])
def test_a_text_that_is_no_address_and_no_number_has_no_identifier(text: str) -> None:
    assert not identifiers_of(text)
