"""Declarations of the commands about webhooks."""
