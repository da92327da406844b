"""Calls of the client against scripted responses."""
