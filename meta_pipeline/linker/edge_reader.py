"""Read the edges of one token, each separately, and collect the failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import (
    ConnectionFailedError,
    GraphError,
    RequestError,
    ScopeError,
    SuspendedError,
    ThrottledError,
    TokenError,
    UnreadableAnswerError,
)
from meta_pipeline.graph.responses.unknown_fields import without_unknown
from meta_pipeline.linker.edges import BUSINESSES, Edge, FailedEdge
from meta_pipeline.records import AccessToken

# Errors of the token, the app or the network: the next edge would fail too.
_OF_EVERY_EDGE = (TokenError, ThrottledError, SuspendedError, ConnectionFailedError)

Row = TypeVar("Row", bound=msgspec.Struct)


class EdgeReader:
    """A reader of the edges of one token: it reads each separately, and collects the failures."""

    def __init__(self, graph: GraphClient, token: AccessToken) -> None:
        self._graph, self._token = graph, token
        self.failed: list[FailedEdge] = []
        self.errors: list[GraphError] = []
        self.lost_fields: list[str] = []

    def rows(self, edge: Edge, row: type[Row]) -> list[Row]:
        """Return an edge's rows. When it can't be read, record it as failed and return no rows. A field that this
        version does not know is left out."""
        fields = edge.fields
        while True:
            try:
                return list(self._read(edge, fields, row))
            except _OF_EVERY_EDGE:
                raise
            except RequestError as error:
                fewer = without_unknown(fields, error)
                if fewer is None:
                    return self._fail(edge, error)
                lost = ", ".join(sorted(set(fields) - set(fewer)))
                self.lost_fields.append(f"{edge.path} was read without {lost}, which this version does not know")
                fields = fewer
            except GraphError as error:
                return self._fail(edge, error)

    def _fail(self, edge: Edge, error: GraphError) -> list[Any]:
        is_refused = isinstance(error, ScopeError)
        if not (is_refused and edge is BUSINESSES):  # expected: owners stay unknown without it
            self.errors.append(error)
            self.failed.append(FailedEdge(edge, str(error), is_refused))
        return []

    def _read(self, edge: Edge, fields: Sequence[str], row: type[Row]) -> Iterator[Row]:
        params = {"fields": list(fields), "limit": edge.limit}
        for batch in self._graph.batches(edge.path, params, token=self._token, kind=edge.call):
            for record in batch.records:
                try:
                    yield msgspec.json.decode(record, type=row)
                except msgspec.MsgspecError:
                    raise UnreadableAnswerError(
                        f"{self._graph.host} returned an invalid row for {edge.path}", trace_id=batch.trace_id
                    ) from None
