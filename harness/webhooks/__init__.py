"""Webhooks as Meta sends them to `serve`."""
