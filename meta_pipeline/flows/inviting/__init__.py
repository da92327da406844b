"""Flows of invitations: issued and answered, checked, reported."""
