"""Dagster runs that we start ourselves, and what became of runs."""
