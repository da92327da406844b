"""The parsed HTML of a report page: tables by caption, tiles by section, addresses."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser


class ReportPage(HTMLParser):
    """`tables`: by caption, the rows by their head, each with its figures by column. `tiles`: by section, the figures by
    their name. A figure is the exact value in the page. `addresses`: every URL that a browser might fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Decimal]]] = {}
        self.tiles: dict[str, dict[str, Decimal]] = {}
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.alts: list[str] = []
        self._text: list[str] | None = None
        self._is_tiles = False
        self._table: dict[str, dict[str, Decimal]] = {}
        self._row = self._column = self._section = self._tile = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "srcset", "href", "action", "data")]
        if tag == "img":
            self.alts.append(named.get("alt") or "")
        if tag == "dl":
            self._is_tiles = named.get("class") == "tiles"
        if tag == "section":
            self._section = named.get("id") or ""
        if tag in ("caption", "dt") or (tag == "th" and named.get("scope") == "row"):
            self._text = []
        if tag == "small":
            self._finish_row(self._text)
            self._text = None
        if tag == "td":
            self._column = named.get("data-name") or ""
        if tag == "data":
            value = Decimal(named["value"] or "")
            if self._column:
                self._table[self._row][self._column] = value
            elif self._tile and self._is_tiles:
                self.tiles.setdefault(self._section, {})[self._tile] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._table = self.tables[self._finished()] = {}
        if tag == "dt":
            self._tile = self._finished()
        if tag == "th" and self._text is not None:
            self._finish_row(self._text)
            self._text = None
        if tag == "td":
            self._column = ""
        if tag == "dl":
            self._tile = ""

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _finish_row(self, text: list[str] | None) -> None:
        """Begin a row with its name, without the small text below it; a name that occurs again gets a number."""
        if text is not None:
            name = "".join(text).strip()
            self._row = name if name not in self._table else f"{name} {len(self._table)}"
            self._table[self._row] = {}

    def _finished(self) -> str:
        text, self._text = "".join(self._text or ()), None
        return " ".join(text.split())
