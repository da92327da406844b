"""Conversations of Pages with people, on Messenger and on Instagram."""
