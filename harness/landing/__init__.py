"""Landings and stores that are made without a pull, and readers of published files."""
