"""The address of a preview in the code that Meta returns for it: a frame of facebook.com, and nothing else of it."""

from __future__ import annotations

import contextlib
from html.parser import HTMLParser
from urllib.parse import urlsplit

# The hosts that show previews (docs/graph-api.md §10); a page of ours frames no other.
HOSTS = ("www.facebook.com", "business.facebook.com")
_LONGEST_CODE, _LONGEST_ADDRESS = 20_000, 4_000


def frame_address(code: str) -> str | None:
    """Return the address of the first frame in a preview's code; None unless it is on one of `HOSTS`, by https."""
    if len(code) > _LONGEST_CODE:
        return None
    reader = _Frames()
    with contextlib.suppress(AssertionError):  # of a section that HTML does not have
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
    """The source of the first frame."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.address: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the source of a frame."""
        if tag == "iframe" and self.address is None:
            self.address = dict(attrs).get("src")
