"""Calls and times that reads cost."""
