"""The pages of an edge as batches, one after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.graph.request import PageSize
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import Batch


def batches(
    get: Callable[[Mapping[str, Any]], GraphResponse],
    params: Mapping[str, Any],
    *,
    size: PageSize | None,
    now: Callable[[], dt.datetime],
) -> Iterator[Batch]:
    """Every page, lazily; `get` asks for the one that parameters lead to. A page may be short or empty while more
    follow: only a missing `paging.next` ends it. `next` holds the token, so the request is built anew from the cursor.
    A page that was promised and holds nothing is asked for once more: an answer that got lost looks the same. With a
    `size` the pages are as long as it says, and one that is too much is asked for again, shorter."""
    request = dict(params)
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
        yield _batch(answer)
        following = page.following()
        if following is None:
            return
        request |= following


def _batch(answer: GraphResponse) -> Batch:
    """A page with its records, or with what was decoded of them."""
    data = answer.page.data
    are_raw = bool(data) and isinstance(data[0], msgspec.Raw)
    records, rows = (tuple(map(bytes, data)), ()) if are_raw else ((), data)
    return Batch(records, answer.trace_id, answer.version, answer.fetched_at, answer.body, rows)
