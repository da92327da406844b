"""Nodes beyond their links: what businesses list, what changed and when, and what was chosen."""
