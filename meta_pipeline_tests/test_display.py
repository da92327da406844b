"""Text of others is shown on one line, without characters that a terminal or a log would interpret."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.display import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Northwind Ærø 北", "Northwind Ærø 北"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("one\ntwo\r\n", "one\\x0atwo\\x0d\\x0a"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_characters_that_a_terminal_would_interpret_are_escaped(text: str, shown: str) -> None:
    assert shown == printable(text)


@given(st.text(st.characters()))
def test_no_control_character_survives(text: str) -> None:
    shown = printable(text, limit=50)

    assert len(shown) <= 50
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
