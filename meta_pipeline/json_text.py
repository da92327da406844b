"""Repair JSON text that strict parsers and readers of Parquet refuse, and change nothing else in it."""

from __future__ import annotations

import re

_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Half of a surrogate pair, in text whose escaped backslashes are hidden.
_HALF = re.compile(rb"%s(?!%s)|(?<!%s)%s" % (_HIGH, _LOW, _HIGH, _LOW))
_BACKSLASH, _HIDDEN, _REPLACEMENT = rb"\\", b"\0\0", rb"\ufffd"


def valid_utf8(text: bytes) -> bytes:
    """Return the text with U+FFFD for bytes that are not UTF-8; unchanged if it has none."""
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()
    return text


def valid_json_text(text: bytes) -> bytes:
    """Return JSON with U+FFFD for bytes that are not UTF-8 and for half a surrogate pair (a name cut in the middle of
    an emoji); unchanged if it has neither."""
    text = valid_utf8(text)
    if rb"\u" not in text or b"\0" in text:  # valid JSON has no NUL
        return text
    fixed = bytearray(text)
    # In place, because both are six bytes: joining a million pieces would take ten times the memory of the text.
    for half in _HALF.finditer(text.replace(_BACKSLASH, _HIDDEN)):
        fixed[half.start() : half.end()] = _REPLACEMENT
    return bytes(fixed)
