"""Tokens, sealed at rest and revealed only for the request they sign."""
