"""Yield the pages of an edge as batches, one after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from meta_pipeline.graph.errors import RepeatedCursorError, TooManyPagesError, TooMuchDataError, UnreadableAnswerError
from meta_pipeline.graph.http.body import check_record
from meta_pipeline.graph.http.bounds import DEFAULT_PAGE, MOST_PAGES, MOST_ROWS
from meta_pipeline.graph.request import PageSize
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.json_text import valid_utf8
from meta_pipeline.records import Batch

LONGEST_POSITION = 16 * 1024  # characters of a cursor, or of the parameters of `paging.next`: longer than any valid URL


# How often an empty page may link to itself before the listing counts as endless.
MOST_STALLS = 3


class Positions:
    """The cursors of one listing, which ends whatever Graph returns: no cursor is repeated, and the number of pages and
    rows is bounded."""

    def __init__(self, *, most_pages: int = MOST_PAGES, most_rows: int = MOST_ROWS) -> None:
        self._most_pages, self._most_rows = most_pages, most_rows
        self._seen: set[int] = set()
        self._last: int | None = None
        self._pages = self._rows = self._stalls = 0

    def move(self, position: Mapping[str, str] | None, *, rows: int, is_empty: bool = False) -> None:
        """Record a page of `rows` requested rows and the position of the next page, if there is one.

        Raise RepeatedCursorError, TooManyPagesError, or UnreadableAnswerError for a position too long for a URL."""
        self._pages, self._rows = self._pages + 1, self._rows + rows
        if position is None:
            return
        if sum(len(name) + len(value) for name, value in position.items()) > LONGEST_POSITION:
            raise UnreadableAnswerError(f"the listing continues at a cursor longer than {LONGEST_POSITION} characters")
        if self._pages >= self._most_pages or self._rows >= self._most_rows:
            raise TooManyPagesError(f"the listing continues after {self._pages:,} pages, {self._rows:,} requested rows")
        mark = hash(frozenset(position.items()))
        if mark == self._last and is_empty and self._stalls < MOST_STALLS:
            self._stalls += 1
            return
        if mark in self._seen:
            raise RepeatedCursorError(f"the listing returned a cursor a second time, after {self._pages:,} pages")
        self._seen.add(mark)
        self._last = mark


def batches(
    get: Callable[[Mapping[str, Any]], GraphResponse],
    params: Mapping[str, Any],
    *,
    size: PageSize | None,
    now: Callable[[], dt.datetime],
    positions: Positions | None = None,
) -> Iterator[Batch]:
    """Yield every page, lazily; `get` fetches the page of the given parameters.

    A page may be short or empty while more follow: only a missing `paging.next` ends the listing. `next` contains the
    token, so each request is built from the cursor. The last page is requested once more when it is empty, because Meta
    may also return an empty page by mistake. `size` sets the page length; a page that is too large is requested again
    with fewer rows."""
    request, positions = dict(params), positions or Positions()
    is_promised = is_doubted = False
    while True:
        if size is not None:
            request["limit"] = size.page
        try:
            answer = get(request)
        except TooMuchDataError:
            if size is None or not size.page_was_refused(now()):
                raise
            continue
        page = answer.page
        if size is not None:
            size.page_worked(len(page.data))
        if is_promised and not page.data and page.following() is None and not is_doubted:
            is_doubted = True
            continue
        is_promised, is_doubted = True, False
        following = page.following()
        # Before the rows are yielded: a listing that fails is not landed in part.
        positions.move(following, rows=_limit(request), is_empty=not page.data)
        yield _batch(answer)
        if following is None:
            return
        request |= following


def _limit(request: Mapping[str, Any]) -> int:
    limit = request.get("limit")
    return limit if isinstance(limit, int) and limit > 0 else DEFAULT_PAGE


def _batch(answer: GraphResponse) -> Batch:
    """Return a page as a batch, with its records or with the rows decoded from them."""
    data = answer.page.data
    are_raw = bool(data) and isinstance(data[0], msgspec.Raw)
    records, rows = (tuple(valid_utf8(bytes(record)) for record in data), ()) if are_raw else ((), data)
    for record in records:
        check_record(record)
    return Batch(
        records=records, trace_id=answer.trace_id, version=answer.version, fetched_at=answer.fetched_at,
        body=answer.body, rows=rows,
    )
