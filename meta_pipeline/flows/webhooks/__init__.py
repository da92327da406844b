"""Webhooks: subscribe, read what changes are about, and read again what was missed."""
