"""Webhooks: subscribe, do what changes call for, and read again what was missed."""
