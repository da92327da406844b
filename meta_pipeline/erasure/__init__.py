"""Erasing a person, a node or a tenant: what belongs to them, where it is stored, and how it is removed."""
