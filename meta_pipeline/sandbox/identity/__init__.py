"""Tokens, codes, permissions, the OAuth endpoints, the login dialog, and the person behind a token."""
