"""Readers of a published file: queries, exports, documentation, the copy for dbt."""
