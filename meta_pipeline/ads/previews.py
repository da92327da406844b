"""The address of a preview, from the HTML that Meta returns for it: only the address of a frame of facebook.com."""

from __future__ import annotations

import contextlib
from html.parser import HTMLParser
from urllib.parse import urlsplit

# The hosts that show previews (docs/graph-api.md §10); our pages frame no other host.
HOSTS = ("www.facebook.com", "business.facebook.com")
_LONGEST_CODE, _LONGEST_ADDRESS = 20_000, 4_000


def frame_address(code: str) -> str | None:
    """Return the address of the first frame in a preview's HTML; None unless it is on one of `HOSTS`, by https."""
    if len(code) > _LONGEST_CODE:
        return None
    reader = _Frames()
    with contextlib.suppress(AssertionError):  # raised for an unknown marked section
        reader.feed(code)
    address = reader.address
    if address is None or len(address) > _LONGEST_ADDRESS or not address.isascii() or any(c <= " " for c in address):
        return None
    try:
        split = urlsplit(address)
        is_theirs = split.scheme == "https" and split.netloc in HOSTS
    except ValueError:
        return None
    return address if is_theirs and "\\" not in address else None


class _Frames(HTMLParser):
    """A parser that stores the source of the first frame."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.address: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store the source of the first frame."""
        if tag == "iframe" and self.address is None:
            self.address = dict(attrs).get("src")
