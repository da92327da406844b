"""Erasing a person, a node or a customer: what belongs to them, where it is stored, how it is removed."""
