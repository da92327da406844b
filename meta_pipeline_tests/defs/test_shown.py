"""Names from Meta are plain text in the Dagster UI: no markup, no control characters, one line."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from meta_pipeline.defs.shown import bullets, escaped, plain

NASTY = (
    "[click](http://evil.example)", "![x](http://evil.example/track.png)", "<script>alert(1)</script>", "**bold**", "`a`",
    "http://evil.example", "<http://evil.example>", "# head", "a\n\n# b", "\x1b]8;;http://evil.example\x07x", "1. a",
    "| a | b |\n|---|---|", "\u202eevil", "&lt;b&gt;", "\\[a](b)", "~~x~~", "evil@example.com", "- [ ] x",
)
names = st.one_of(st.text(max_size=60), st.sampled_from(NASTY), st.lists(st.sampled_from(NASTY), max_size=3).map(" ".join))
markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@given(names)
def test_markdown_shows_a_name_as_plain_text(name: str) -> None:
    (inline,) = [token for token in markdown.parse(f"- x {escaped(name)} x") if token.type == "inline"]

    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children or ())
    assert shown.split() == f"x {plain(name)} x".split()


@given(names)
def test_no_control_character_reaches_the_ui(name: str) -> None:
    assert not {unicodedata.category(character) for character in plain(name)} & {"Cc", "Cs", "Zl", "Zp"}


def test_an_empty_list_has_its_own_text() -> None:
    assert bullets([], empty="none").value == "none"
    assert bullets([escaped("a_b"), "c"], empty="").value == "- a\\_b\n- c"
