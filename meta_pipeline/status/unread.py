"""The edges that the newest discoveries could not read, for engineers: the edge, the token's owner, and the reason."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.store.connections import tokens, unread_edges


def unread_sentences(engine: sa.Engine) -> list[str]:
    """Return a sentence for each edge that the newest discovery through a token in use could not read."""
    by_token = unread_edges.by_token(engine)
    return [
        printable(f"with the token of {ref.subject_name}: {edge.path} was not read: {edge.reason}", limit=1000)
        for ref in (tokens.find_all(engine, retired=False) if by_token else ())
        for edge in by_token.get(ref.id, ())
    ]
