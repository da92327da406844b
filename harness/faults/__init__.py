"""Pulls from a sandbox in trouble."""
