"""Conversations from the sandbox into the sealed store."""
