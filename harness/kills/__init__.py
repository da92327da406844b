"""Processes that are killed, and checks of the data afterwards."""
