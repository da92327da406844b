"""Leaving: tokens that are retired, data that is erased, and data that expires."""
