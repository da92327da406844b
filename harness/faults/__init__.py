"""Pulls from a sandbox with faults."""
