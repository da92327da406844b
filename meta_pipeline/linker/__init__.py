"""Discovery of the nodes that a token may read, and their links."""
