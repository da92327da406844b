"""Creating ads: what Meta accepts, rejects and creates (docs/graph-api.md §10)."""
