"""Visitors: how each is recognized, and which pages are for whom."""
