"""Processes that are killed, and what must be whole afterwards."""
