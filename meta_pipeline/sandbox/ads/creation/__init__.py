"""Creating ads: what Meta accepts, rejects and makes of it (docs/graph-api.md §10)."""
