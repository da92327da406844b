"""Webhooks that were received, and whether they can be."""
