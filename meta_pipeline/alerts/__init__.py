"""Alerts: those that are due, and the targets that they are delivered to."""
