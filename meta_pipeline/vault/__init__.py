"""Tokens sealed at rest, revealed only for the request they sign."""
