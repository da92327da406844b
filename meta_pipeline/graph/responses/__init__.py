"""The content of a response: a result or an error, the pages of an edge, and fields that Meta does not know."""
