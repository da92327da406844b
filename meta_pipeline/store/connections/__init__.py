"""Who connected what: consents, grants, tokens, the nodes that they reach, and the people who may see the page."""
