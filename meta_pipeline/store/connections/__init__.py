"""Connections: consents, grants, tokens, the nodes that they reach, and the people who may see the page."""
