"""Publish posts by plan: make the plan, apply it at once or when it is due, undo it."""
