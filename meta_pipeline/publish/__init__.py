"""Snapshots of the marts that readers open."""
