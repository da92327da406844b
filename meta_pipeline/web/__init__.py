"""The consent service's pages."""
