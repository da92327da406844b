"""The only package that imports Dagster.

Modules whose ops or assets take a `context` don't have `from __future__ import annotations`: Dagster reads the
annotation's type, not its text."""
