"""Nodes beyond their links: the listings of businesses, the history of changes, and choices."""
